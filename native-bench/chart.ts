/**
 * A suite's results as one SVG: a panel per unit with a bar per measurement and its spread, a panel of the ratios with their bars as marks (and of what else has a bar), and a panel of
 * lines per chart of `series`. Drawn by ECharts, which needs no browser for SVG; without it there are no charts.
 */
import { BARS } from './bars.ts';
import { withDarkMode } from './chart-colours.ts';
import { type ChartOption, type ChartPanel, optionOf } from './chart-option.ts';
import { loadPeerPackage } from './peers/packages.ts';
import type { Ratio, Spread } from './suite.ts';
import type { SuiteResult } from './suite-result.ts';

interface ECharts {
  init(
    element: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: ChartOption): void; renderToSVGString(): string; dispose(): void };
}

/** Beyond this quotient of the largest and the smallest value an axis is logarithmic, or the small ones would be invisible. */
const LINEAR_RANGE_MAX = 30;

/** The SVG, or null where there is nothing to draw or ECharts is not installed. */
export function chartOf(result: SuiteResult): string | null {
  const echarts = loadPeerPackage('echarts') as ECharts | null;
  const panels = panelsOf(result);
  if (echarts === null || panels.length === 0) return null;
  const { option, width, height } = optionOf(result.suite.name, result.suite.about, panels);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return withDarkMode(svg);
}

function panelsOf({ measurements, ratios, series }: SuiteResult): ChartPanel[] {
  const panels: ChartPanel[] = [];
  const unitOf = ({ key }: Ratio) => (key === null ? '×' : BARS[key].unit);
  for (const unit of new Set(ratios.map(unitOf))) {
    const same = ratios.filter((ratio) => unitOf(ratio) === unit);
    const title = unit === '×' ? 'ratios' : 'against the bar';
    panels.push({
      kind: 'bars',
      title: same.some(({ key }) => key !== null) ? `${title} (red: the bar)` : title,
      unit,
      log: spansDecades(same),
      bars: same.map(({ key, name, ...spread }) => ({ name, ...spread, mark: key === null ? null : BARS[key].value })),
    });
  }
  for (const unit of new Set(measurements.map((measurement) => measurement.unit))) {
    const bars = measurements.filter((measurement) => measurement.unit === unit);
    panels.push({
      kind: 'bars',
      title: unit,
      unit,
      log: spansDecades(bars),
      bars: bars.map(({ name, median, low, high, rounds }) => ({ name, median, low, high, rounds, mark: null })),
    });
  }
  for (const name of new Set(series.map(({ chart }) => chart))) {
    const lines = series.filter(({ chart }) => chart === name);
    panels.push({ kind: 'lines', title: name, lines });
  }
  return panels;
}

function spansDecades(values: readonly Spread[]): boolean {
  const medians = values.map(({ median }) => median);
  return Math.max(...medians) / Math.min(...medians) > LINEAR_RANGE_MAX;
}
