import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { ResidentArray, Sequence } from "@kiln-gpu/core";
import { type Contender, interleave, type Onlooker } from "../interleave.js";
import { scaled, type Timing } from "../statistics.js";
import type { Stopwatch } from "../stopwatch.js";
import type { Subject } from "./subject.js";

export interface SubjectFigures {
  readonly name: string;
  /** The work of one run, in floating-point operations or bytes. */
  readonly work: number;
  /** Runs in one sample. */
  readonly repeats: number;
  readonly perRun: Timing;
}

/** The shortest sample, unless `maxRepeats` prevents that: the clock of a device may be as coarse as 0.1 ms. */
const minSampleMs = 10;
const maxRepeats = 1024;

/** Times the subjects in turn: by the clock of the device or, if it has none, by the host's around the submission. */
export async function measureSubjects(
  backend: PersistentComputeBackend,
  subjects: readonly Subject[],
  count: number,
  onlooker: Onlooker,
): Promise<SubjectFigures[]> {
  const longest = Math.max(...subjects.flatMap(({ results }) => results.map(({ length }) => length)));
  using zeros = await backend.array(Float32Array, longest);
  const repeated: { readonly sequence: Sequence; readonly repeats: number }[] = [];
  try {
    for (const subject of subjects) repeated.push(await repeat(backend, subject));
    const contenders = subjects.map((subject, i) => sampling(subject, repeated[i]!, zeros));
    const timings = await interleave(contenders, { count, warmUpMs: 200, budgetMs: 1500, onlooker });
    return subjects.map(({ name, work }, i) => {
      const { repeats } = repeated[i]!;
      return { name, work, repeats, perRun: scaled(timings[i]!, 1 / repeats) };
    });
  } finally {
    for (const { sequence } of repeated) sequence.dispose();
  }
}

/** A sequence with as many runs as a sample needs. */
async function repeat(backend: PersistentComputeBackend, subject: Subject) {
  for (let repeats = 1; ; repeats *= 4) {
    const sequence = await backend.record({}, (run) => {
      for (let i = 0; i < repeats; i += 1) subject.record(run);
    });
    // The first replay may have to compile.
    await sequence.replay();
    if (repeats >= (subject.maxRepeats ?? maxRepeats) || (await timeOf(sequence)) >= minSampleMs)
      return { sequence, repeats };
    sequence.dispose();
  }
}

function sampling(
  subject: Subject,
  { sequence, repeats }: { readonly sequence: Sequence; readonly repeats: number },
  zeros: ResidentArray<Float32Array>,
): Contender {
  const { name, results } = subject;
  return {
    name,
    async run(stopwatch: Stopwatch) {
      for (const result of results) await result.copyFrom(zeros, { length: result.length });
      // An untimed replay first: the device may have gone idle during the checks.
      await sequence.replay();
      stopwatch.add(await timeOf(sequence));
      subject.check(await Promise.all(results.map((result) => result.read())), 2 * repeats);
    },
  };
}

async function timeOf(sequence: Sequence): Promise<number> {
  const { profile } = await sequence.replay({}, { profile: true });
  return profile.gpuTimeNs === undefined ? profile.computeMs : profile.gpuTimeNs / 1e6;
}
