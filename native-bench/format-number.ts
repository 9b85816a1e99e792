/** Four significant digits, thousands apart: 0.01235, 12.34, 1,234, 1,234,567. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  // Rounded first: 999.96 is 1,000.
  const rounded = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
  const wholeDigits = Math.floor(Math.log10(Math.abs(rounded))) + 1;
  const [whole = '', fraction] = rounded.toFixed(Math.min(6, Math.max(0, 4 - wholeDigits))).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
