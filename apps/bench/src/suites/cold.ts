import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LookUp } from "../cold/look-up.js";
import { measureLookUp } from "../cold/look-up.js";
import { type ColdEnd, type ColdStart, startCold } from "../cold/start-cold.js";
import { ms, ns, spread, spreadNs, times } from "../format.js";
import type { Row } from "../section.js";
import { type Timing, timingOf } from "../statistics.js";
import { countSteps, type Suite } from "../suite.js";

interface Way {
  readonly name: string;
  readonly opened: Timing;
  readonly done: Timing;
  /** Times of one start. */
  readonly programs: number;
  readonly pipelines: number;
  readonly warmed: number;
}

interface Work {
  readonly name: string;
  readonly ways: readonly Way[];
}

export interface ColdFigures {
  readonly works: readonly Work[];
  readonly lookUp: LookUp;
}

const works = [
  { name: "1 kernel", kernels: 1, inTurn: true },
  { name: "20 kernels, one after the other", kernels: 20, inTurn: true },
  { name: "20 kernels, at once", kernels: 20, inTurn: false },
] as const;
const ways = ["without a store", "with a store", "with store and manifest"] as const;
const lookUpRuns = 2000;

export const cold: Suite<ColdFigures> = {
  name: "cold",
  description: "from a process's start to its results: no store, a store, a manifest; look-ups of warm runs",
  kernel: "five kernels from SPIR-V and fifteen from WGSL, on arrays of 64",
  defaultSizes: [64],
  defaultIterations: 10,
  iterationsAre: "processes of each kind",

  async measure(context) {
    const { open, device, iterations } = context;
    const step = countSteps(context, iterations + 2);
    const directory = await mkdtemp(join(tmpdir(), "kiln-bench-store-"));
    try {
      const { adapter, software = false } = open;
      const from = { adapter, software, directory };
      const measured = await measureStarts(from, iterations, step);
      step(`cold, ${lookUpRuns} warm runs for their look-ups`);
      return { works: measured, lookUp: await measureLookUp(open, device, lookUpRuns) };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },

  sections({ works: measured, lookUp }) {
    return [
      ...measured.map((work) => ({
        title: `From a process's start to all results: ${work.name}`,
        rows: wayRows(work),
      })),
      { title: "Finding the compiled programs of a warm run", rows: lookUpRows(lookUp) },
      {
        text: `Each start is a new process. The kinds take turns, with files and driver warm from earlier starts. "Programs"
counts those that came from the store and were not translated or reflected; "warmed" counts pipelines that a
manifest named before a run did.`,
      },
    ];
  },
};

interface From {
  readonly adapter: string | undefined;
  readonly software: boolean;
  readonly directory: string;
}

async function measureStarts(from: From, iterations: number, step: (text: string) => void): Promise<Work[]> {
  const subjects = works.flatMap((work, i) =>
    ways.map((way) => {
      const start: Omit<ColdStart, "startedMs"> = {
        kernels: work.kernels,
        inTurn: work.inTurn,
        adapter: from.adapter,
        software: from.software,
        store: way === "without a store" ? false : { directory: from.directory },
        warmUp: way === "with store and manifest" ? `bench-${i}` : undefined,
      };
      return { work, way, start, ends: [] as ColdEnd[] };
    }),
  );
  step("cold, filling the store");
  for (const { start } of subjects) await startCold(start);
  for (let i = 0; i < iterations; i += 1) {
    step(`cold, process ${i + 1} of ${iterations} of each kind`);
    for (const { work, way, start, ends } of subjects) {
      const end = await startCold(start);
      checkEnd(`${work.name}, ${way}`, start, end);
      ends.push(end);
    }
  }
  return works.map((work) => ({
    name: work.name,
    ways: subjects.filter((subject) => subject.work === work).map(({ way, ends }) => wayOf(way, ends)),
  }));
}

/** @throws {Error} if the process did not do what is measured. */
function checkEnd(name: string, { store, warmUp }: Omit<ColdStart, "startedMs">, end: ColdEnd): void {
  const { programs, warmed, failures } = end;
  // Even with a manifest a run may be the first to request a program.
  if (failures === 0 && programs > 0 === (store !== false) && (warmed === 0 || warmUp !== undefined)) return;
  throw new Error(
    `${name}: the process took ${programs} programs from the store and warmed ${warmed}; ${failures} failed.`,
  );
}

function wayOf(name: string, ends: readonly ColdEnd[]): Way {
  const { programs, pipelines, warmed } = ends.at(-1)!;
  const opened = timingOf(ends.map(({ openedMs }) => openedMs));
  return { name, opened, done: timingOf(ends.map(({ doneMs }) => doneMs)), programs, pipelines, warmed };
}

function wayRows({ ways: measured }: Work): Row[] {
  const [baseline] = measured;
  return measured.map(({ name, opened, done, programs, pipelines, warmed }) => ({
    start: name,
    opened: ms(opened.medianMs),
    "all results": ms(done.medianMs),
    "p10 to p90": spread(done),
    [`/ ${baseline!.name}`]: times(done.medianMs / baseline!.done.medianMs),
    programs,
    pipelines,
    warmed,
    processes: done.count,
  }));
}

function lookUpRows({ pipelines, withPlan, inRuns }: LookUp): Row[] {
  return [
    { "look-up": "pipelines, by the kernel's digest", timing: pipelines },
    { "look-up": "the same, with the run's plan", timing: withPlan },
    { "look-up": "in a run, with the clock", timing: inRuns },
  ].map(({ timing, ...row }) => ({ ...row, median: ns(timing.medianMs), "p10 to p90": spreadNs(timing) }));
}
