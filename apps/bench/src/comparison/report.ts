import type { RunProfile } from "@kiln-gpu/core";
import { formatSize, ms, spread, throughput, times } from "../format.js";
import type { Row, Section } from "../section.js";
import type { OneShotFigures, PersistentFigures } from "./measure.js";

/** The figures of one size; a backend that was not requested has none. */
export interface SizeFigures {
  readonly size: number;
  readonly oneShot: OneShotFigures | undefined;
  readonly persistent: PersistentFigures | undefined;
}

export interface Target {
  readonly name: string;
  readonly expected: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** The parts of the report: tables, time trees, targets. */
export function sectionsOf(figures: readonly SizeFigures[], targets: readonly Target[]): Section[] {
  const oneShot = figures.filter((row) => row.oneShot);
  const persistent = figures.filter((row) => row.persistent);
  const sections: Section[] = [
    { title: "One-shot: everything created and destroyed in each call", rows: oneShot.map(baselineRow) },
    { title: "Persistent: everything kept", rows: persistent.map(persistentRow) },
    { title: "Warm calls beside others, in one process and in turn (medians)", rows: persistent.map(comparisonRow) },
    ...timeTrees(figures).map((text) => ({ text })),
    { title: "Targets of the report", rows: targets.map(targetRow) },
    ...(persistent.length > 0 ? [{ text: closingNote(persistent) }] : []),
  ];
  return sections.filter((part) => !("rows" in part) || part.rows.length > 0);
}

function baselineRow({ size, oneShot }: SizeFigures): Row {
  return {
    elements: formatSize(size),
    median: ms(oneShot!.run.medianMs),
    "p10 to p90": spread(oneShot!.run),
    throughput: throughput(size, oneShot!.run.medianMs),
    calls: oneShot!.run.count,
  };
}

function persistentRow({ size, oneShot, persistent }: SizeFigures): Row {
  return {
    elements: formatSize(size),
    init: ms(persistent!.initMs),
    first: ms(persistent!.firstMs),
    average: ms(persistent!.warm.meanMs),
    median: ms(persistent!.warm.medianMs),
    "p10 to p90": spread(persistent!.warm),
    "speed-up": oneShot ? times(speedUp({ oneShot, persistent: persistent! })) : "-",
    throughput: throughput(size, persistent!.warm.medianMs),
    calls: persistent!.warm.count,
  };
}

function comparisonRow({ size, persistent }: SizeFigures): Row {
  const { warm, handTuned, bare, plainLoop } = persistent!;
  return {
    elements: formatSize(size),
    kiln: ms(warm.medianMs),
    "hand-tuned": `${ms(handTuned.warm.medianMs)} (${handTuned.name})`,
    "kiln / hand-tuned": times(warm.medianMs / handTuned.warm.medianMs),
    bare: `${ms(bare.warm.medianMs)} (${bare.name.replace(", bare", "")})`,
    "plain loop, no GPU": ms(plainLoop.medianMs),
  };
}

const phases: readonly [keyof RunProfile, string][] = [
  ["initMs", "init"],
  ["pipelineMs", "pipeline"],
  ["descriptorsMs", "descriptors"],
  ["uploadMs", "upload"],
  ["recordingMs", "command recording"],
  ["computeMs", "compute"],
  ["downloadMs", "download"],
];

/** For the largest size that the report has, or the largest that was measured. */
function timeTrees(figures: readonly SizeFigures[]): string[] {
  const row = figures.findLast(({ size }) => size <= 2 ** 16) ?? figures[0]!;
  const at = `at ${formatSize(row.size)} elements`;
  return [
    row.oneShot && timeTree(`Time tree, one-shot call ${at}`, row.oneShot.profile),
    row.persistent && timeTree(`Time tree, persistent, opening and first call ${at}`, row.persistent.firstProfile),
    row.persistent && timeTree(`Time tree, persistent, warm call ${at}`, row.persistent.warmProfile),
  ].filter((tree) => tree !== undefined);
}

function timeTree(title: string, profile: RunProfile): string {
  const rows = phases.map(([key, name]) => [name, profile[key] ?? 0] as const);
  const rest = profile.totalMs - rows.reduce((sum, [, value]) => sum + value, 0);
  const all = [...rows, ["between the phases", rest] as const];
  const lines = all.map(([name, value], i) => {
    const share = `${((100 * value) / profile.totalMs).toFixed(1)}%`;
    return `  ${i === all.length - 1 ? "└" : "├"}─ ${name.padEnd(19)}${ms(value).padStart(11)}${share.padStart(8)}`;
  });
  const gpu = profile.gpuTimeNs === undefined ? "no timestamp queries" : ms(profile.gpuTimeNs / 1e6);
  const total = `  ${"total".padEnd(22)}${ms(profile.totalMs).padStart(11)}`;
  return [title, total, ...lines, `  of the compute, the kernel on the device: ${gpu}`].join("\n");
}

function speedUp({ oneShot, persistent }: { oneShot: OneShotFigures; persistent: PersistentFigures }): number {
  return oneShot.run.medianMs / persistent.warm.medianMs;
}

/** The targets of the report that Kiln re-creates, for the sizes and backends that were measured. */
export function targetsOf(figures: readonly SizeFigures[]): Target[] {
  const targets: Target[] = [];
  const add = (name: string, expected: string, measured: string, isMet: boolean) =>
    targets.push({ name, expected, measured, isMet });
  for (const [size, factor] of [
    [64, 10],
    [2 ** 16, 5],
  ] as const) {
    const row = figures.find((figure) => figure.size === size);
    if (!row?.oneShot || !row.persistent) continue;
    const factorMeasured = speedUp({ oneShot: row.oneShot, persistent: row.persistent });
    add(`speed-up at ${formatSize(size)}`, `at least ${factor}x`, times(factorMeasured), factorMeasured >= factor);
  }
  const within = figures.filter(({ size, persistent }) => persistent && size <= 2 ** 16);
  if (within.length === 0) return targets;
  const slowest = Math.max(...within.map(({ persistent }) => persistent!.warm.medianMs));
  add("warm call, up to 64K", "under 25 ms", ms(slowest), slowest < 25);
  const { stats, warm } = within.at(-1)!.persistent!;
  const { pipelines, bindGroups } = stats;
  add(
    "pipeline reuse",
    "1 made, then reused",
    `${pipelines.made} made, ${pipelines.reused} reused`,
    pipelines.made === 1 && pipelines.reused >= warm.count,
  );
  add(
    "descriptor pooling",
    "500 sets at most, reused",
    `${bindGroups.made} made, ${bindGroups.reused} reused`,
    bindGroups.live <= 500 && bindGroups.reused > bindGroups.made,
  );
  return targets;
}

function targetRow({ name, expected, measured, isMet }: Target): Row {
  return { target: name, expected, measured, met: isMet ? "yes" : "NO" };
}

function closingNote(rows: readonly SizeFigures[]): string {
  const slower = rows.filter(({ persistent }) => persistent!.warm.medianMs > persistent!.plainLoop.medianMs);
  if (slower.length === 0) return "The GPU beats the plain loop at every size here.";
  const sizes = slower.map(({ size }) => formatSize(size)).join(", ");
  return `At ${sizes} a plain JavaScript loop is faster: adding arrays from host memory moves 12 bytes per addition.
A GPU is worth it for more work per byte (a matrix product) or for data that stays on it.`;
}
