/**
 * The worker in which the suites run, so that drawing on the page's thread disturbs nothing that is timed. The suites
 * are those of the command, as they are.
 */
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type DeviceInfo, isComputeError, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { checkResult } from "../../../bench/src/check-result.js";
import { randomFields } from "../../../bench/src/fields.js";
import type { Sample } from "../../../bench/src/interleave.js";
import type { Suite } from "../../../bench/src/suite.js";
import { chain } from "../../../bench/src/suites/chain.js";
import { comparison } from "../../../bench/src/suites/comparison.js";
import { compute } from "../../../bench/src/suites/compute.js";
import { throughput } from "../../../bench/src/suites/throughput.js";
import { transfer } from "../../../bench/src/suites/transfer.js";
import type { FromWorker, RunRequest, Smoke, SuiteName, ToWorker } from "./messages.js";

const suites: { readonly [name in SuiteName]: Suite } = {
  comparison: comparison as Suite,
  transfer: transfer as Suite,
  throughput: throughput as Suite,
  chain: chain as Suite,
  compute: compute as Suite,
};
/** The store must decide nothing that is measured. */
const open: PersistentBackendOptions = { store: false, powerPreference: "high-performance" };
const gatherMs = 100;

let device: DeviceInfo | undefined;
let running: AbortController | undefined;
let gate: { readonly opened: Promise<void>; readonly release: () => void } | undefined;

const tell = (message: FromWorker) => postMessage(message);

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "open") void guarded("open", describe);
  else if (data.kind === "smoke") void guarded("smoke", async () => tell({ kind: "smoke", smoke: await smoke() }));
  else if (data.kind === "run") void guarded("run", () => run(data));
  else if (data.kind === "cancel") running?.abort();
  else setPaused(data.isPaused);
});

async function guarded(during: "open" | "smoke" | "run", work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (running?.signal.aborted) tell({ kind: "cancelled" });
    else {
      const code = isComputeError(error) ? error.code : "wrong-result";
      tell({
        kind: "failed",
        during,
        failure: { code, message: error instanceof Error ? error.message : String(error) },
      });
    }
  } finally {
    running = undefined;
  }
}

async function describe(): Promise<void> {
  await using backend = await openPersistentBackend(open);
  device = backend.device;
  tell({ kind: "device", device, timerStepUs: timerStepUs() });
}

/** The smallest step of this thread's clock. */
function timerStepUs(): number {
  let smallest = Number.POSITIVE_INFINITY;
  let last = performance.now();
  for (let steps = 0; steps < 20; ) {
    const now = performance.now();
    if (now === last) continue;
    smallest = Math.min(smallest, now - last);
    last = now;
    steps += 1;
  }
  return Math.round(smallest * 1e3);
}

/** One call that creates everything, then some warm ones, each checked. */
async function smoke(): Promise<Smoke> {
  const size = 64;
  const fields = randomFields(size);
  const bindings = { a: fields.a, b: fields.b, c: output(Float32Array, size) };
  const expected = fieldAddReference(fields.a, fields.b);
  const timed = async (call: () => Promise<{ readonly c: Float32Array }>) => {
    const startMs = performance.now();
    const { c } = await call();
    const ms = performance.now() - startMs;
    checkResult("The call", expected, c);
    return ms;
  };
  await using oneShot = await openOneShotBackend(open);
  const oneShotMs = await timed(() => oneShot.run(fieldAdd, bindings));
  await using persistent = await openPersistentBackend(open);
  const endMs = performance.now() + 400;
  do await timed(() => persistent.run(fieldAdd, bindings));
  while (performance.now() < endMs);
  const samplesMs: number[] = [];
  for (let i = 0; i < 30; i += 1) samplesMs.push(await timed(() => persistent.run(fieldAdd, bindings)));
  const warmMs = [...samplesMs].sort((x, y) => x - y)[15]!;
  return { oneShotMs, warmMs, samplesMs };
}

async function run({ suite: name, sizes, iterations }: RunRequest): Promise<void> {
  if (!device) await describe();
  running = new AbortController();
  const suite = suites[name];
  let size: number | undefined;
  let samples: (Sample & { readonly size: number | undefined })[] = [];
  let toldMs = performance.now();
  const tellSamples = () => {
    if (samples.length > 0) tell({ kind: "samples", samples });
    samples = [];
    toldMs = performance.now();
  };
  const figures = await suite.measure({
    open,
    device: device!,
    sizes,
    iterations,
    backends: ["one-shot", "persistent"],
    signal: running.signal,
    beforeBlock: () => gate?.opened,
    step(step) {
      tellSamples();
      size = step.size;
      tell({ kind: "step", step });
    },
    onSample(sample) {
      samples.push({ ...sample, size });
      if (performance.now() - toldMs > gatherMs) tellSamples();
    },
  });
  tellSamples();
  tell({ kind: "end", figures, sections: suite.sections(figures) });
}

function setPaused(isPaused: boolean): void {
  if (!isPaused) {
    gate?.release();
    gate = undefined;
  } else if (!gate) {
    let release = () => {};
    const opened = new Promise<void>((resolve) => {
      release = resolve;
    });
    gate = { opened, release };
  }
}
