import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import type { BackendStats, ComputeBackend, RunProfile } from "@kiln-gpu/core";
import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { deviceOptionsOf, type OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { checkResult } from "../check-result.js";
import { adding, type Fields, randomFields } from "../fields.js";
import { createMappedStaging } from "../hand-tuned/mapped-staging.js";
import { openReference } from "../hand-tuned/reference.js";
import { createWriteBuffer } from "../hand-tuned/write-buffer.js";
import { interleave, type Onlooker } from "../interleave.js";
import { type Timing, timingOf } from "../statistics.js";

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
  /** How many objects were created and reused, after the warm runs. */
  readonly stats: BackendStats;
  /** The faster of the two ways to upload, with Kiln's promises and without. */
  readonly handTuned: { readonly name: string; readonly warm: Timing };
  readonly bare: { readonly name: string; readonly warm: Timing };
  readonly plainLoop: Timing;
}

const bindingsOf = ({ a, b }: Fields) => ({ a, b, c: output(Float32Array, a.length) });
const call = (fields: Fields, backend: ComputeBackend) => backend.run(fieldAddSpirv, bindingsOf(fields));
const profiledCall = (fields: Fields, backend: ComputeBackend) =>
  backend.run(fieldAddSpirv, bindingsOf(fields), { profile: true });

/** Times whole calls on the one-shot backend, which keeps nothing. */
export async function measureOneShot(
  options: OpenDeviceOptions,
  size: number,
  count: number,
  { signal, onSample }: Onlooker,
): Promise<OneShotFigures> {
  const fields = randomFields(size);
  const backend = await openOneShotBackend(deviceOptionsOf(options));
  try {
    // The first call of a process also loads the translator; the baseline of the report is the calls after it.
    await call(fields, backend);
    const samples: number[] = [];
    for (let i = 0; i < count; i += 1) {
      signal?.throwIfAborted();
      const { c, ms } = await timed(() => call(fields, backend));
      checkResult("The one-shot backend", fields.expected, c);
      samples.push(ms);
      onSample?.({ name: "one-shot", ms, done: samples.length, total: count });
    }
    const profile = await medianProfile(fields, backend);
    return { run: timingOf(samples), profile, stats: backend.stats() };
  } finally {
    await backend.dispose();
  }
}

/** Times the persistent backend, which keeps everything, beside hand-written WebGPU and a plain loop. */
export async function measurePersistent(
  options: OpenDeviceOptions,
  size: number,
  count: number,
  onlooker: Onlooker,
): Promise<PersistentFigures> {
  const fields = randomFields(size);
  const start = performance.now();
  const backend = await openPersistentBackend(options);
  const initMs = performance.now() - start;
  try {
    const first = await timed(() => call(fields, backend));
    checkResult("The persistent backend's first call", fields.expected, first.c);
    await using reference = await openReference(options);
    const uploads = [createWriteBuffer, createMappedStaging];
    const handTuned = [true, false].flatMap((promises) => uploads.map((create) => create(reference, size, promises)));
    const next = () => fields;
    const [warm, plainLoop, ...others] = await interleave(
      [
        adding("persistent", next, async (of) => (await call(of, backend)).c),
        adding("plain loop", next, async ({ a, b }) => fieldAddReference(a, b)),
        ...handTuned.map(({ name, add }) => adding(name, next, ({ a, b }) => add(a, b))),
      ],
      { count, onlooker },
    );
    const named = handTuned.map(({ name }, i) => ({ name, warm: others[i]! }));
    const stats = backend.stats();
    return {
      initMs,
      firstMs: first.ms,
      warm: warm!,
      firstProfile: await firstProfileOf(options, fields),
      warmProfile: await medianProfile(fields, backend),
      stats,
      handTuned: quickest(named.slice(0, uploads.length)),
      bare: quickest(named.slice(uploads.length)),
      plainLoop: plainLoop!,
    };
  } finally {
    await backend.dispose();
  }
}

/** The phases of the first run of a new backend; `initMs` is the opening of the backend. */
async function firstProfileOf(options: OpenDeviceOptions, fields: Fields): Promise<RunProfile> {
  const start = performance.now();
  const backend = await openPersistentBackend(options);
  const initMs = performance.now() - start;
  try {
    const { c, profile } = await profiledCall(fields, backend);
    checkResult("The persistent backend's first profiled call", fields.expected, c);
    return { ...profile, initMs, totalMs: profile.totalMs + initMs };
  } finally {
    await backend.dispose();
  }
}

/** The median of five runs by total time. The phases are those of one run, so that they add up. */
async function medianProfile(fields: Fields, backend: ComputeBackend): Promise<RunProfile> {
  const profiles: RunProfile[] = [];
  for (let i = 0; i < 5; i += 1) {
    const { c, profile } = await profiledCall(fields, backend);
    checkResult("A profiled call", fields.expected, c);
    profiles.push(profile);
  }
  profiles.sort((x, y) => x.totalMs - y.totalMs);
  return profiles[2]!;
}

function quickest<T extends { readonly warm: Timing }>(tuned: readonly T[]): T {
  return tuned.reduce((x, y) => (y.warm.medianMs < x.warm.medianMs ? y : x));
}

async function timed<R extends { c: Float32Array }>(run: () => Promise<R>): Promise<R & { ms: number }> {
  const start = performance.now();
  const results = await run();
  return { ...results, ms: performance.now() - start };
}
