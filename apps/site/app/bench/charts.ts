/** What is drawn of each suite's figures: plain data, for charts and for the tables beside them. */
import { formatSize, ms, us } from "../../../bench/src/format.js";
import type { Timing } from "../../../bench/src/statistics.js";
import type { ChainFigures } from "../../../bench/src/suites/chain.js";
import type { ComparisonFigures } from "../../../bench/src/suites/comparison.js";
import type { ThroughputFigures } from "../../../bench/src/suites/throughput.js";
import type { TransferFigures } from "../../../bench/src/suites/transfer.js";
import type { Measured } from "./results.js";

export interface Line {
  readonly name: string;
  /** One for each `x`; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** The tenth and the ninetieth percentile. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
  /** Whether it is of the run that this one is compared with. */
  readonly isOther?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly xName: string;
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly xText: (value: number) => string;
  readonly yText: (value: number) => string;
}

export interface Phases {
  readonly title: string;
  readonly totalMs: number;
  readonly parts: readonly { readonly name: string; readonly ms: number }[];
}

export function chartsOf({ suite, figures }: Measured): Chart[] {
  if (suite === "comparison") return [latencyChart(figures as ComparisonFigures)];
  if (suite === "transfer") return [transferChart(figures as readonly TransferFigures[])];
  if (suite === "throughput") return throughputCharts(figures as readonly ThroughputFigures[]);
  if (suite === "chain") return chainCharts(figures as readonly ChainFigures[]);
  return [];
}

function latencyChart({ figures }: ComparisonFigures): Chart {
  const line = (name: string, timingOf: (row: (typeof figures)[number]) => Timing | undefined) =>
    lineOf(name, figures.map(timingOf));
  const lines: Line[] = [
    line("Kiln, warm call", ({ persistent }) => persistent?.warm),
    line("one-shot call", ({ oneShot }) => oneShot?.run),
    { name: "Kiln, first call", values: figures.map(({ persistent }) => persistent?.firstMs ?? null) },
    line("tuned by hand", ({ persistent }) => persistent?.handTuned.warm),
    line("a plain loop", ({ persistent }) => persistent?.plainLoop),
  ];
  const x = figures.map(({ size }) => size);
  return { title: "Time of a call, by size", xName: "elements", x, lines, xText: formatSize, yText: ms };
}

function transferChart(figures: readonly TransferFigures[]): Chart {
  const names = figures[0]?.paths.map(({ name }) => name) ?? [];
  const lines = names.map((name) =>
    lineOf(
      name,
      figures.map(({ paths }) => paths.find((path) => path.name === name)?.warm),
    ),
  );
  const x = figures.map(({ size }) => size);
  return { title: "Two arrays in, one out, by size", xName: "elements", x, lines, xText: formatSize, yText: ms };
}

function throughputCharts(figures: readonly ThroughputFigures[]): Chart[] {
  return [...new Set(figures.map(({ size }) => size))].map((size) => {
    const rows = figures.filter((row) => row.size === size);
    const line = (name: string, timingOf: (row: ThroughputFigures) => Timing): Line => ({
      name,
      values: rows.map((row) => 1e3 / timingOf(row).medianMs),
    });
    return {
      title: `Runs a second at ${formatSize(size)} elements, by runs in flight`,
      xName: "in flight",
      x: rows.map(({ inFlight }) => inFlight),
      lines: [
        line("Kiln", ({ perRun }) => perRun.kiln),
        line("tuned, one at a time", ({ perRun }) => perRun.oneAtATime),
        line("tuned, slots", ({ perRun }) => perRun.slots),
        line("tuned, coalesced", ({ perRun }) => perRun.coalesced),
      ],
      xText: String,
      yText: (value) => (value >= 1000 ? `${(value / 1000).toPrecision(3)}k/s` : `${value.toPrecision(3)}/s`),
    };
  });
}

function chainCharts(figures: readonly ChainFigures[]): Chart[] {
  return [...new Set(figures.map(({ size }) => size))].map((size) => {
    const rows = figures.filter((row) => row.size === size);
    const names = [...new Set(rows.flatMap(({ ways }) => ways.map(({ name }) => name)))];
    const lines = names.map((name) =>
      lineOf(
        name,
        rows.map(({ ways }) => ways.find((way) => way.name === name)?.perDispatch),
      ),
    );
    const x = rows.map(({ dispatches }) => dispatches);
    const title = `Time of a dispatch at ${formatSize(size)} elements, by length of the chain`;
    return { title, xName: "dispatches", x, lines, xText: String, yText: us };
  });
}

function lineOf(name: string, timings: readonly (Timing | undefined)[]): Line {
  return {
    name,
    values: timings.map((timing) => timing?.medianMs ?? null),
    low: timings.map((timing) => timing?.p10Ms ?? null),
    high: timings.map((timing) => timing?.p90Ms ?? null),
  };
}

/** `chart` with the lines of `other` beside its own, where both have a size. */
export function overlaid(chart: Chart, other: Chart): Chart {
  const at = (values: readonly (number | null)[], x: number) => values[other.x.indexOf(x)] ?? null;
  const lines = other.lines.map(
    ({ name, values }): Line => ({ name: `${name} (other)`, values: chart.x.map((x) => at(values, x)), isOther: true }),
  );
  return { ...chart, lines: [...chart.lines, ...lines] };
}

/** How many times as long as in `chart` each median is in `other`. */
export function ratiosOf(chart: Chart, other: Chart): { readonly name: string; readonly ratios: (number | null)[] }[] {
  return chart.lines.map(({ name, values }) => {
    const others = other.lines.find((line) => line.name === name)?.values ?? [];
    const ratios = chart.x.map((x, i) => {
      const [mine, theirs] = [values[i], others[other.x.indexOf(x)]];
      return mine && theirs ? theirs / mine : null;
    });
    return { name, ratios };
  });
}

const phaseNames = [
  ["initMs", "init"],
  ["pipelineMs", "pipeline"],
  ["descriptorsMs", "bind groups"],
  ["uploadMs", "upload"],
  ["recordingMs", "recording"],
  ["computeMs", "compute"],
  ["downloadMs", "download"],
] as const;

/** Where the time of the calls went, at the largest size up to 64K. */
export function phasesOf({ suite, figures }: Measured): Phases[] {
  if (suite !== "comparison") return [];
  const rows = (figures as ComparisonFigures).figures;
  const row = rows.findLast(({ size }) => size <= 2 ** 16) ?? rows[0];
  if (!row) return [];
  const at = `at ${formatSize(row.size)} elements`;
  return [
    { title: `One-shot call ${at}`, profile: row.oneShot?.profile },
    { title: `Kiln's opening and first call ${at}`, profile: row.persistent?.firstProfile },
    { title: `Kiln's warm call ${at}`, profile: row.persistent?.warmProfile },
  ].flatMap(({ title, profile }) => {
    if (!profile) return [];
    const parts = phaseNames.map(([key, name]) => ({ name, ms: profile[key] ?? 0 }));
    return [{ title, totalMs: profile.totalMs, parts }];
  });
}
