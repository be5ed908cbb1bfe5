import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type BackendStats, type ComputeBackend, output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { checkResult } from "../check-result.js";
import { randomFields } from "../fields.js";
import { bytes, times } from "../format.js";
import { allocatedByteLength, collectGarbage } from "../garbage.js";
import { openReference } from "../hand-tuned/reference.js";
import { createWriteBuffer } from "../hand-tuned/write-buffer.js";
import { kernelJobs } from "../kernel-jobs.js";
import { countSteps, type Suite } from "../suite.js";

/** What is held after a garbage collection. */
interface MemoryHeld {
  readonly runs: number;
  readonly buffers: BackendStats["buffers"];
  readonly pipelines: BackendStats["pipelines"];
  readonly bindGroups: BackendStats["bindGroups"];
  /** The whole process: driver, V8 and, on a software GPU, the memory of the device. */
  readonly residentByteLength: number;
  readonly heapByteLength: number;
  readonly arrayBufferByteLength: number;
}

/** Bytes allocated on V8's heap by each warm run. */
interface Garbage {
  readonly results: "new arrays" | "into";
  readonly kiln: number;
  readonly handTuned: number;
}

export interface MemoryFigures {
  readonly sizes: readonly number[];
  readonly held: readonly MemoryHeld[];
  readonly garbage: readonly Garbage[];
  /** A check of the measurement: the bytes that it counts for arrays of doubles, divided by 8 bytes per double. */
  readonly counted: number;
}

/** Runs that are requested at once, with all kernels and sizes mixed. */
const inFlight = 8;
/** Slow runs end after this time, but not before a tenth of them. */
const maxHeldMs = 60_000;
const garbageSize = 64;
const maxGarbageRuns = 2000;

export const memory: Suite<MemoryFigures> = {
  name: "memory",
  description: "what is held after thousands of mixed runs, and the garbage that each run leaves on V8's heap",
  kernel: "field add, saxpy, sum and histogram from SPIR-V, matrix product from WGSL",
  defaultSizes: [64, 1000, 2 ** 12, 2 ** 14, 2 ** 16],
  defaultIterations: 10_000,
  iterationsAre: "runs of five kernels, sizes mixed; fewer if they take over a minute",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const step = countSteps(context, 2);
    step(`memory over ${iterations} runs at most`);
    const held = await measureHeld(open, sizes, iterations);
    const runs = Math.min(iterations, maxGarbageRuns);
    step(`garbage of ${runs} runs of each kind`);
    return { sizes, held, garbage: await measureGarbage(open, runs), counted: await measureKnownGarbage(runs) };
  },

  sections({ held, garbage, counted }) {
    return [
      { title: "Memory: what is held, after a forced collection", rows: held.map(heldRow) },
      {
        title: `Memory: bytes on V8's heap for each warm run of ${garbageSize} elements`,
        rows: garbage.map(garbageRow),
      },
      {
        text: `"process" is the whole process: driver, V8 and, on a software GPU, the memory of the device. Pipelines and bind
groups are those that are kept. npm webgpu leaves a kilobyte with each poll of the device; here it polls about
once per run. As a check, an array of doubles is counted as ${times(counted)} of its 8 bytes per element.`,
      },
    ];
  },
};

async function measureHeld(open: OpenDeviceOptions, sizes: readonly number[], count: number): Promise<MemoryHeld[]> {
  await using backend = await openPersistentBackend(open);
  const jobs = sizes.flatMap(kernelJobs);
  const held = [heldBy(backend)];
  const endMs = performance.now() + maxHeldMs;
  const firstTenth = Math.ceil(count / 10);
  let done = 0;
  for (const end of [firstTenth, count]) {
    while (done < end && (end === firstTenth || performance.now() < endMs)) {
      const length = Math.min(inFlight, end - done);
      await Promise.all(Array.from({ length }, (_, i) => jobs[(done + i) % jobs.length]!(backend)));
      done += length;
    }
    held.push(heldBy(backend));
  }
  return held;
}

function heldBy(backend: ComputeBackend): MemoryHeld {
  collectGarbage();
  const { runs, buffers, pipelines, bindGroups } = backend.stats();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    runs: runs.completed,
    buffers,
    pipelines,
    bindGroups,
    residentByteLength: rss,
    heapByteLength: heapUsed,
    arrayBufferByteLength: arrayBuffers,
  };
}

async function measureGarbage(open: OpenDeviceOptions, count: number): Promise<Garbage[]> {
  await using backend = await openPersistentBackend(open);
  await using reference = await openReference(open);
  const tuned = createWriteBuffer(reference, garbageSize);
  const { a, b, expected } = randomFields(garbageSize);
  const into = new Float32Array(garbageSize);
  const perRun = async (name: string, run: () => Promise<Float32Array>) => {
    // Optimized code allocates less than interpreted code.
    for (let i = 0; i < 2 * count; i += 1) await run();
    const byteLength = (await allocatedByteLength(run, count)) / count;
    into.fill(0);
    checkResult(name, expected, await run());
    return byteLength;
  };
  const kiln = (given: { readonly into?: Float32Array }) => async () => {
    const { c } = await backend.run(fieldAddSpirv, { a, b, c: output(Float32Array, garbageSize, given) });
    return c;
  };
  return [
    {
      results: "new arrays",
      kiln: await perRun("Kiln", kiln({})),
      handTuned: await perRun("The hand-tuned code", () => tuned.add(a, b)),
    },
    {
      results: "into",
      kiln: await perRun("Kiln, into", kiln({ into })),
      handTuned: await perRun("The hand-tuned code, into", () => tuned.add(a, b, into)),
    },
  ];
}

async function measureKnownGarbage(count: number): Promise<number> {
  const perCall = async (length: number) =>
    (await allocatedByteLength(async () => new Array<number>(length).fill(0.5), count)) / count;
  // The difference between two lengths excludes what every call allocates.
  return ((await perCall(300)) - (await perCall(100))) / (200 * 8);
}

function heldRow({ runs, buffers, pipelines, bindGroups, ...held }: MemoryHeld) {
  return {
    runs,
    "buffers made": buffers.made,
    live: buffers.live,
    bytes: bytes(buffers.bytes),
    "high-water": bytes(buffers.highWaterBytes),
    pipelines: pipelines.live,
    "bind groups": bindGroups.live,
    process: bytes(held.residentByteLength),
    "V8 heap": bytes(held.heapByteLength),
    arrays: bytes(held.arrayBufferByteLength),
  };
}

function garbageRow({ results, kiln, handTuned }: Garbage) {
  return {
    results,
    kiln: bytes(kiln),
    "hand-tuned": bytes(handTuned),
    "kiln / hand-tuned": times(kiln / handTuned),
  };
}
