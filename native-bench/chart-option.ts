/** What ECharts is to draw: panels below each other, each with a grid and axes of its own. */
import { DATA, FAINT_INK, GRID, INK, MARK, PAPER } from './chart-colours.ts';
import { formatNumber } from './format-number.ts';
import type { Series, Spread } from './suite.ts';

/** Of ECharts' option, what is used here; it checks nothing at run time that we would rely on. */
export type ChartOption = Readonly<Record<string, unknown>>;

interface ChartBar extends Spread {
  readonly name: string;
  /** The bar of the table that this ratio is held against. */
  readonly mark: number | null;
}

export type ChartPanel =
  | {
      readonly kind: 'bars';
      readonly title: string;
      readonly unit: string;
      readonly log: boolean;
      readonly bars: readonly ChartBar[];
    }
  | { readonly kind: 'lines'; readonly title: string; readonly lines: readonly Series[] };

const WIDTH = 960;
const RIGHT = 90;
const HEAD = 64;
const PANEL_HEAD = 34;
const PANEL_FOOT = 58;
const BAR_HEIGHT = 22;
const LINES_HEIGHT = 260;
const LEGEND_HEIGHT = 22;
const CHARACTER_WIDTH = 6.4;
const NAME_WIDTH_MAX = 400;
const WHISKER = 4;

interface Parts {
  readonly grid: object[];
  readonly xAxis: object[];
  readonly yAxis: object[];
  readonly series: object[];
  readonly title: object[];
  readonly legend: object[];
}

export function optionOf(
  name: string,
  about: string,
  panels: readonly ChartPanel[],
): { option: ChartOption; width: number; height: number } {
  const parts: Parts = { grid: [], xAxis: [], yAxis: [], series: [], title: [], legend: [] };
  parts.title.push({
    text: name,
    subtext: about,
    left: 16,
    top: 10,
    itemGap: 4,
    textStyle: { color: INK, fontSize: 16 },
    subtextStyle: { color: FAINT_INK, fontSize: 12 },
  });
  const longest = Math.max(
    0,
    ...panels.flatMap((panel) => (panel.kind === 'bars' ? panel.bars.map((bar) => bar.name.length) : [])),
  );
  const left = Math.max(80, Math.min(NAME_WIDTH_MAX, longest * CHARACTER_WIDTH) + 24);
  let top = HEAD;
  for (const [index, panel] of panels.entries()) {
    parts.title.push({ text: panel.title, left: 16, top: top + 6, textStyle: { color: INK, fontSize: 12 } });
    const legend = panel.kind === 'lines' && panel.lines.length > 1 ? LEGEND_HEIGHT : 0;
    const height = panel.kind === 'bars' ? panel.bars.length * BAR_HEIGHT + 8 : LINES_HEIGHT;
    parts.grid.push({ left: panel.kind === 'bars' ? left : 80, right: RIGHT, top: top + PANEL_HEAD + legend, height });
    if (panel.kind === 'bars') addBars(parts, panel, index);
    else addLines(parts, panel, index, top + PANEL_HEAD - 6);
    top += PANEL_HEAD + legend + height + PANEL_FOOT;
  }
  const option = {
    backgroundColor: PAPER,
    animation: false,
    color: DATA,
    textStyle: { fontFamily: 'sans-serif' },
    ...parts,
  };
  return { option, width: WIDTH, height: top };
}

function addBars(parts: Parts, panel: ChartPanel & { kind: 'bars' }, index: number): void {
  const { bars, log, unit } = panel;
  const lowest = Math.min(...bars.flatMap(({ low, mark }) => [low, mark ?? low]));
  parts.xAxis.push({
    ...valueAxis(index, log, log ? `${unit} (logarithmic)` : unit),
    // A bar needs a beginning: a power of ten below everything.
    ...(log ? { min: 10 ** Math.floor(Math.log10(lowest * 0.9)) } : { min: 0 }),
  });
  parts.yAxis.push({
    type: 'category',
    gridIndex: index,
    inverse: true,
    data: bars.map(({ name }) => name),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: GRID } },
    axisLabel: { color: INK, fontSize: 11, width: NAME_WIDTH_MAX, overflow: 'truncate', interval: 0 },
  });
  const axes = { xAxisIndex: index, yAxisIndex: index };
  parts.series.push({
    ...axes,
    type: 'bar',
    barWidth: 12,
    itemStyle: { color: DATA[0] },
    data: bars.map(({ median }) => median),
  });
  parts.series.push({
    ...axes,
    type: 'custom',
    z: 3,
    data: bars.map(({ median, low, high, rounds }, row) => [Math.max(median, high), row, low, high, rounds, median]),
    encode: { x: 0, y: 1 },
    renderItem: whisker,
  });
  const marks = bars.flatMap(({ mark }, row) => (mark === null ? [] : [[mark, row]]));
  if (marks.length > 0)
    parts.series.push({ ...axes, type: 'custom', z: 4, data: marks, encode: { x: 0, y: 1 }, renderItem: mark });
}

interface RenderApi {
  value(dimension: number): number;
  coord(data: readonly [number, number]): readonly [number, number];
}

/** The spread, if there were several rounds, and the median as a number behind it. */
function whisker(_params: unknown, api: RenderApi): object {
  const row = api.value(1);
  const [right, y] = api.coord([api.value(0), row]);
  const children: object[] = [
    {
      type: 'text',
      style: {
        text: formatNumber(api.value(5)),
        x: right + 8,
        y,
        align: 'left',
        verticalAlign: 'middle',
        fill: FAINT_INK,
        fontSize: 11,
      },
    },
  ];
  if (api.value(4) > 1) {
    const [low] = api.coord([api.value(2), row]);
    const [high] = api.coord([api.value(3), row]);
    for (const [x1, y1, x2, y2] of [
      [low, y, high, y],
      [low, y - WHISKER, low, y + WHISKER],
      [high, y - WHISKER, high, y + WHISKER],
    ])
      children.push({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: INK, lineWidth: 1.2 } });
  }
  return { type: 'group', children };
}

function mark(_params: unknown, api: RenderApi): object {
  const [x, y] = api.coord([api.value(0), api.value(1)]);
  return {
    type: 'line',
    shape: { x1: x, y1: y - BAR_HEIGHT / 2, x2: x, y2: y + BAR_HEIGHT / 2 },
    style: { stroke: MARK, lineWidth: 2 },
  };
}

function addLines(parts: Parts, panel: ChartPanel & { kind: 'lines' }, index: number, legendTop: number): void {
  const { lines } = panel;
  const first = lines[0] as Series;
  parts.xAxis.push({ ...valueAxis(index, first.logX, first.xLabel), scale: true });
  parts.yAxis.push({
    ...valueAxis(index, first.logY, first.yLabel),
    nameRotate: 90,
    nameGap: 48,
  });
  for (const [place, { name, points }] of lines.entries())
    parts.series.push({
      type: 'line',
      name: `${panel.title}: ${name}`,
      xAxisIndex: index,
      yAxisIndex: index,
      // Filled: the inside of an empty one is white, on dark paper too.
      symbol: 'circle',
      symbolSize: 7,
      itemStyle: { color: DATA[place % DATA.length] },
      lineStyle: { width: 2, type: place < DATA.length ? 'solid' : 'dashed' },
      data: points.map(({ x, y }) => [x, y]),
    });
  if (lines.length > 1)
    parts.legend.push({
      data: lines.map(({ name }) => `${panel.title}: ${name}`),
      top: legendTop,
      left: 80,
      itemHeight: 8,
      // Texts are measured without the reader's font, which may be wider.
      itemGap: 20,
      textStyle: { color: INK, fontSize: 11 },
      formatter: (name: string) => name.slice(panel.title.length + 2),
    });
}

function valueAxis(index: number, log: boolean, name: string): object {
  return {
    type: log ? 'log' : 'value',
    gridIndex: index,
    name,
    nameLocation: 'middle',
    nameGap: 28,
    nameTextStyle: { color: FAINT_INK, fontSize: 11 },
    axisLine: { show: true, lineStyle: { color: GRID } },
    axisTick: { show: false },
    axisLabel: { color: FAINT_INK, fontSize: 11, formatter: formatTick },
    splitLine: { lineStyle: { color: GRID, width: 0.6 } },
  };
}

/** 20, 1.5 k, 10 M. */
function formatTick(value: number): string {
  for (const [unit, name] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (Math.abs(value) >= unit) return `${Number((value / unit).toPrecision(6))} ${name}`;
  return String(Number(value.toPrecision(6)));
}
