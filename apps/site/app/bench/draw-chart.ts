/** Charts by uPlot. Colors are CSS variables, read at each draw, so that they follow the theme. */
import uPlot from "uplot";
import type { Chart, Line } from "./charts.js";

export const dashes: readonly (readonly number[])[] = [
  [],
  [8, 4],
  [2, 3],
  [10, 3, 2, 3],
  [5, 5],
  [1, 4],
  [12, 4],
  [3, 2],
];

export const colorOf = (index: number) => `--chart-${(index % 8) + 1}`;

function cssValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const ink = () => cssValue("--vp-c-text-2");
const gridColor = () => cssValue("--vp-c-divider");
const font = "12px Inter, sans-serif";

/** @param text Of a place on the axis; uPlot gives null for those without one. */
const axis = (text: (value: number) => string, size: number, label?: string): uPlot.Axis => ({
  stroke: ink,
  grid: { stroke: gridColor, width: 1 },
  ticks: { stroke: gridColor, width: 1 },
  font,
  labelFont: font,
  values: (_, splits) => splits.map((split) => (split === null ? "" : text(split))),
  size,
  ...(label && { label }),
});

/** Both scales are logarithmic: sizes and times span several powers of ten. */
export function drawChart(element: HTMLElement, chart: Chart): uPlot {
  const banded = chart.lines.filter((line) => line.low && line.high && !line.isOther);
  const position = (line: Line) => chart.lines.indexOf(line);
  const series: uPlot.Series[] = [
    { label: chart.xName },
    ...chart.lines.map((line, i) => ({
      label: line.name,
      stroke: () => cssValue(colorOf(line.isOther ? i - chart.lines.length / 2 : i)),
      width: line.isOther ? 1.5 : /^kiln/i.test(line.name) ? 3 : 2,
      dash: [...dashes[line.isOther ? 2 : i % dashes.length]!],
      points: { show: true, size: line.isOther ? 4 : 6 },
      spanGaps: true,
    })),
    ...banded.flatMap(() => [hidden, hidden]),
  ];
  const first = 1 + chart.lines.length;
  const bands = banded.map((line, i) => ({
    series: [first + 2 * i + 1, first + 2 * i] as [number, number],
    fill: () => `color-mix(in srgb, ${cssValue(colorOf(position(line)))} 14%, transparent)`,
  }));
  const data = [
    chart.x,
    ...chart.lines.map(({ values }) => values.map(drawable)),
    ...banded.flatMap(({ low, high }) => [low!.map(drawable), high!.map(drawable)]),
  ] as unknown as uPlot.AlignedData;
  const labelled = chart.x;
  return new uPlot(
    {
      width: element.clientWidth,
      height: heightFor(element),
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { time: false, distr: 3, log: 2, range: (_u, low, high) => [low / 1.3, high * 1.3] },
        y: { distr: 3, log: 10 },
      },
      axes: [
        {
          ...axis(chart.xText, 50, chart.xName),
          splits: () => [...labelled],
          // A narrow chart has no room for each size.
          filter: everyFew,
        },
        powersOfTen(axis((value) => shortText(chart.yText(value)), 74)),
      ],
      series,
      bands,
    },
    data,
    element,
  );
}

function everyFew(u: uPlot, splits: readonly number[]): (number | null)[] {
  const room = Math.max(Math.floor(u.width / 64), 2);
  const every = Math.ceil(splits.length / room);
  return splits.map((split, i) => (i % every === 0 ? split : null));
}

/** `0.1000 ms` as `0.1 ms`: the axis has powers of ten. */
function shortText(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/** An axis with marks at powers of ten alone. */
function powersOfTen(given: uPlot.Axis): uPlot.Axis {
  const filter: uPlot.Axis.Filter = (_, splits) => splits.map((split) => (isPowerOfTen(split) ? split : null));
  return { ...given, filter, grid: { ...given.grid, filter }, ticks: { ...given.ticks, filter } };
}

const hidden: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
/** What is quicker than the clock's step took 0, which no logarithm has. */
const drawable = (value: number | null) => (value !== null && value > 0 ? value : null);
const isPowerOfTen = (value: number) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
const heightFor = (element: HTMLElement) => (element.clientWidth < 480 ? 260 : 340);

/** Each sample as a dot, as it comes: shows two modes, and throttling. */
export function drawStrip(element: HTMLElement, names: readonly string[]): uPlot {
  return new uPlot(
    {
      width: element.clientWidth,
      height: 180,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: (_, __, last) => [0, last + 1] }, y: { distr: 3, log: 10 } },
      axes: [
        { ...axis(String, 50, "call"), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        powersOfTen(axis((value) => `${value} ms`, 74)),
      ],
      series: [
        { label: "call" },
        ...names.map((name, i) => ({
          label: name,
          stroke: () => cssValue(colorOf(i)),
          paths: () => null,
          points: { show: true, size: 4, fill: () => cssValue(colorOf(i)) },
        })),
      ],
    },
    [[], ...names.map(() => [])] as uPlot.AlignedData,
    element,
  );
}

export function stripData(
  names: readonly string[],
  samples: ReadonlyMap<string, readonly number[]>,
): uPlot.AlignedData {
  const length = Math.max(0, ...[...samples.values()].map((values) => values.length));
  const x = Array.from({ length }, (_, i) => i + 1);
  return [x, ...names.map((name) => x.map((i) => samples.get(name)?.[i - 1] ?? null))] as uPlot.AlignedData;
}

export function fitChart(plot: uPlot, element: HTMLElement): void {
  plot.setSize({ width: element.clientWidth, height: plot.height });
}

/** Above this, single elements cannot be told apart: their distribution is drawn. */
const mostPoints = 10_000;
const bins = 100;

/** The elements in their order, or as a histogram if there are many. */
export function drawPlot(element: HTMLElement, values: ArrayLike<number>, label: string): uPlot {
  const { x, y, xName } = values.length > mostPoints ? histogramOf(values) : pointsOf(values);
  return new uPlot(
    {
      width: element.clientWidth,
      height: heightFor(element),
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false } },
      axes: [axis(numberText, 50, xName), axis(numberText, 74)],
      series: [
        { label: xName },
        { label, stroke: () => cssValue(colorOf(0)), width: 2, points: { show: values.length <= 100, size: 6 } },
      ],
    },
    [x, y],
    element,
  );
}

const numberText = (value: number) => String(Number(value.toPrecision(6)));

function pointsOf(values: ArrayLike<number>) {
  const y = Array.from(values, (value) => (Number.isFinite(value) ? value : null)) as number[];
  return { x: y.map((_, i) => i), y, xName: "element" };
}

function histogramOf(values: ArrayLike<number>) {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i += 1) {
    least = Math.min(least, values[i]!);
    most = Math.max(most, values[i]!);
  }
  const width = (most - least) / bins || 1;
  const y = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i += 1) y[Math.min(Math.floor((values[i]! - least) / width), bins - 1)]! += 1;
  return { x: y.map((_, i) => least + (i + 0.5) * width), y, xName: "value; how often it occurs" };
}
