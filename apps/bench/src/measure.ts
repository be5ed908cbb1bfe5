import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import type { BackendStats, ComputeBackend, RunProfile } from "@kiln-gpu/core";
import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import { checkSum, type Fields, randomFields } from "./fields.js";
import { type HandTuned, openHandTuned } from "./hand-tuned.js";
import { type Timing, timingOf } from "./statistics.js";

export interface OneShotFigures {
  readonly run: Timing;
  readonly profile: RunProfile;
  readonly stats: BackendStats;
}

export interface PersistentFigures {
  readonly initMs: number;
  readonly firstMs: number;
  readonly warm: Timing;
  readonly firstProfile: RunProfile;
  readonly warmProfile: RunProfile;
  /** After the warm runs: what was made and what was reused. */
  readonly stats: BackendStats;
  /** The quicker of the two ways to upload, with Kiln's promises and without. */
  readonly handTuned: { readonly name: string; readonly warm: Timing };
  readonly bare: { readonly name: string; readonly warm: Timing };
  readonly plainLoop: Timing;
}

type NamedCall = readonly [name: string, run: (fields: Fields) => Promise<{ c: Float32Array }>];

/** Runs between one kind of call and the next, so that a drift of the machine's speed meets all kinds alike. */
const blockLength = 10;
/** Calls of each kind before the first that counts, so that the engine has compiled what it will: ten for each one timed. */
const warmUpFactor = 10;
/** However slow a call is; one that takes a millisecond is not decided by how well its host code is compiled. */
const warmUpMs = 2000;

const bindingsOf = ({ a, b }: Fields) => ({ a, b, c: output(Float32Array, a.length) });
const call = (fields: Fields, backend: ComputeBackend) => backend.run(fieldAddSpirv, bindingsOf(fields));
const profiledCall = (fields: Fields, backend: ComputeBackend) =>
  backend.run(fieldAddSpirv, bindingsOf(fields), { profile: true });

/** Times whole calls on a backend that keeps nothing. */
export async function measureOneShot(options: OpenDeviceOptions, size: number, count: number): Promise<OneShotFigures> {
  const fields = randomFields(size);
  const backend = await openOneShotBackend(options);
  try {
    // The first call of a process also loads the translator; the report's baseline is the calls after it.
    await call(fields, backend);
    const samples: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const { c, ms } = await timed(() => call(fields, backend));
      checkSum("The one-shot backend", fields, c);
      samples.push(ms);
    }
    const { profile } = await profiled(fields, backend);
    return { run: timingOf(samples), profile, stats: backend.stats() };
  } finally {
    await backend.dispose();
  }
}

/** Times a backend that keeps everything, beside WebGPU written by hand and a loop without any GPU. */
export async function measurePersistent(
  options: OpenDeviceOptions,
  size: number,
  count: number,
): Promise<PersistentFigures> {
  const fields = randomFields(size);
  const start = performance.now();
  const backend = await openPersistentBackend(options);
  const initMs = performance.now() - start;
  try {
    const first = await timed(() => call(fields, backend));
    checkSum("The persistent backend's first call", fields, first.c);
    return await withHandTuned(options, size, async (handTuned) => {
      const loop = async ({ a, b }: Fields) => ({ c: fieldAddReference(a, b) });
      const calls: NamedCall[] = [
        ["persistent", (of) => call(of, backend)],
        ...handTuned
          .map((tuned) => [tuned.name, async ({ a, b }: Fields) => ({ c: await tuned.add(a, b) })] as const)
          .map(([name, add]) => [name, add] as [string, typeof add]),
        ["plain loop", loop],
      ];
      const samples = await interleave(calls, fields, count);
      const best = (promises: boolean) => {
        const names = handTuned.map(({ name }) => name).filter((name) => name.includes("bare") !== promises);
        const timings = names.map((name) => ({ name, warm: timingOf(samples.get(name)!) }));
        return timings.reduce((x, y) => (y.warm.medianMs < x.warm.medianMs ? y : x));
      };
      const stats = backend.stats();
      const { profile: warmProfile } = await profiled(fields, backend);
      return {
        initMs,
        firstMs: first.ms,
        warm: timingOf(samples.get("persistent")!),
        firstProfile: await firstProfileOf(options, fields),
        warmProfile,
        stats,
        handTuned: best(true),
        bare: best(false),
        plainLoop: timingOf(samples.get("plain loop")!),
      };
    });
  } finally {
    await backend.dispose();
  }
}

/** The phases of a new backend's first run, with its opening as `initMs`. */
async function firstProfileOf(options: OpenDeviceOptions, fields: Fields): Promise<RunProfile> {
  const start = performance.now();
  const backend = await openPersistentBackend(options);
  const initMs = performance.now() - start;
  try {
    const { c, profile } = await profiledCall(fields, backend);
    checkSum("The persistent backend's first profiled call", fields, c);
    return { ...profile, initMs, totalMs: profile.totalMs + initMs };
  } finally {
    await backend.dispose();
  }
}

/** The median run of five by total time: one run's phases, so that they add up. */
async function profiled(fields: Fields, backend: ComputeBackend): Promise<{ readonly profile: RunProfile }> {
  const profiles: RunProfile[] = [];
  for (let i = 0; i < 5; i += 1) {
    const { c, profile } = await profiledCall(fields, backend);
    checkSum("A profiled call", fields, c);
    profiles.push(profile);
  }
  profiles.sort((x, y) => x.totalMs - y.totalMs);
  return { profile: profiles[2]! };
}

async function withHandTuned<T>(
  options: OpenDeviceOptions,
  size: number,
  use: (handTuned: readonly HandTuned[]) => Promise<T>,
): Promise<T> {
  const open = await openDevice(options);
  const handTuned: HandTuned[] = [];
  try {
    for (const upload of ["queue", "mapped"] as const) {
      for (const promises of [true, false]) handTuned.push(await openHandTuned(open, size, { upload, promises }));
    }
    return await use(handTuned);
  } finally {
    for (const tuned of handTuned) tuned.destroy();
    await open.close();
  }
}

/** Times `count` of each call in turn, a block of one and then a block of the next, once all are warm. */
async function interleave(calls: readonly NamedCall[], fields: Fields, count: number): Promise<Map<string, number[]>> {
  for (const [, run] of calls) await warmUp(() => run(fields), count * warmUpFactor);
  const samples = new Map(calls.map(([name]) => [name, [] as number[]]));
  for (let done = 0; done < count; done += blockLength) {
    for (const [name, run] of calls) {
      // One more before each block: its first call follows another kind's, whose memory is in the caches.
      checkSum(name, fields, (await run(fields)).c);
      for (let i = 0; i < Math.min(blockLength, count - done); i += 1) {
        const { c, ms } = await timed(() => run(fields));
        checkSum(name, fields, c);
        samples.get(name)!.push(ms);
      }
    }
  }
  return samples;
}

async function warmUp(run: () => Promise<unknown>, count: number): Promise<void> {
  const start = performance.now();
  for (let i = 0; i < count && performance.now() - start < warmUpMs; i += 1) await run();
}

async function timed<R extends { c: Float32Array }>(run: () => Promise<R>): Promise<R & { ms: number }> {
  const start = performance.now();
  const results = await run();
  return { ...results, ms: performance.now() - start };
}
