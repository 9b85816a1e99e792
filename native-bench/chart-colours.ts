/** Colours of paper and ink change places where the reader's system is dark; those of the data are readable on both. */
export const PAPER = '#ffffff';
export const INK = '#1f2328';
export const FAINT_INK = '#59636e';
export const GRID = '#d1d9e0';
export const DATA = ['#3b82c4', '#d9772b', '#3f9b5f', '#b75aa8', '#9a8a2f', '#5f7f8c'] as const;
/** Where a bar of the table stands. */
export const MARK = '#d1454b';

const DARK: Readonly<Record<string, string>> = {
  [PAPER]: '#0d1117',
  [INK]: '#f0f6fc',
  [FAINT_INK]: '#9198a1',
  [GRID]: '#3d444d',
};

/** ECharts writes colours as attributes, which a style sheet overrides. */
export function withDarkMode(svg: string): string {
  const rules = Object.entries(DARK).flatMap(([light, dark]) =>
    ['fill', 'stroke'].map((property) => `[${property}="${light}"]{${property}:${dark}}`),
  );
  const style = `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`;
  // Behind the start tag of the root.
  const head = svg.indexOf('>') + 1;
  return `${svg.slice(0, head)}${style}${svg.slice(head)}\n`;
}
