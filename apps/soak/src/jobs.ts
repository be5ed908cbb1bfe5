/** The jobs that clients repeat. Each checks its results, and releases what it holds even if it fails. */
import { inout, type Lease, lease, output, type ResidentArray } from "@kiln-gpu/core";
import { anyLength, below, pick, sleep, wordsOf } from "./inputs.js";
import { anyKernelRun, combine, combineRun, isCombined, isSame, step, stepped } from "./kernel-runs.js";
import type { Phase } from "./phase.js";

export type Job = (phase: Phase) => Promise<void>;

const oneRun: Job = (phase) => {
  const { backend, retries } = phase;
  const { name, run } = anyKernelRun(backend.device.isSoftware);
  const length = anyLength(phase.maxLength);
  const options = pick([{}, {}, { profile: true }, { timeoutMs: 60_000 }, { signal: new AbortController().signal }]);
  return phase.take(`A run of ${name}, ${length}`, { retries }, () => run(backend, length, options));
};

const burst: Job = async (phase) => {
  const { backend, retries } = phase;
  const length = anyLength(4096);
  const runs = Array.from({ length: 2 + below(63) }, () =>
    phase.take(`A run in a burst, ${length}`, { retries }, () => combineRun.run(backend, length, {})),
  );
  await Promise.all(runs);
};

const stagedRun: Job = (phase) => {
  const length = anyLength(phase.maxHeldLength);
  return phase.take(`A run with staged memory, ${length}`, {}, async () => {
    const [x, y] = [wordsOf(length), wordsOf(length)];
    using staged = await phase.backend.stage(Uint32Array, length);
    staged.data.set(x);
    // Some staged memory is never bound.
    if (below(8) === 0) return true;
    const { z } = await phase.backend.run(combine, { x: staged, y, z: output(Uint32Array, length) });
    return isCombined(z, x, y);
  });
};

const leasedRun: Job = (phase) => {
  const length = anyLength(phase.maxHeldLength);
  return phase.take(`A run with a lease, ${length}`, {}, () => readLease(phase, length, undefined));
};

async function readLease({ backend }: Phase, length: number, signal: AbortSignal | undefined): Promise<boolean> {
  const [x, y] = [wordsOf(length), wordsOf(length)];
  const bindings = { x, y, z: lease(Uint32Array, length) };
  using z: Lease<Uint32Array> = (await backend.run(combine, bindings, signal ? { signal } : {})).z;
  if (!isCombined(z.data, x, y)) return false;
  await sleep(below(10));
  return isCombined(z.data, x, y);
}

/** Steps, writes, copies and reads, requested at once; they happen in this order. */
const residentChain: Job = (phase) => {
  const length = anyLength(phase.maxHeldLength);
  return phase.take(`A chain over resident arrays, ${length}`, {}, () => runChain(phase, length, undefined));
};

async function runChain({ backend }: Phase, length: number, signal: AbortSignal | undefined): Promise<boolean> {
  const [given, later] = [wordsOf(length), wordsOf(length)];
  const factors = Array.from({ length: 1 + below(5) }, () => below(1000));
  using y = await backend.array(given);
  using copy = await backend.array(Uint32Array, length);
  const [first, , , , last, copied, { z }] = await Promise.all([
    y.read(),
    Promise.all(factors.map((factor) => backend.run(step, { factor, y }, signal ? { signal } : {}))),
    copy.copyFrom(y),
    y.write(later),
    y.read(),
    copy.read(),
    backend.run(combine, { x: y, y: copy, z: output(Uint32Array, length) }),
  ]);
  const expected = stepped(given, factors);
  return isSame(first, given) && isSame(last, later) && isSame(copied, expected) && isCombined(z, later, expected);
}

/** Only the host writes this array, so it survives losses. */
const recoverableArray: Job = (phase) => {
  const length = anyLength(phase.maxHeldLength);
  return phase.take(`Reads of a recoverable array, ${length}`, {}, async () => {
    const given = wordsOf(length);
    using array = await phase.backend.array(given, { recoverable: true });
    for (let read = 0; read < 5; read += 1) {
      if (!isSame(await readAgain(array), given)) return false;
      await sleep(below(50));
    }
    return true;
  });
};

/** Repeats a read that was lost with its device. */
async function readAgain(array: ResidentArray<Uint32Array>): Promise<Uint32Array> {
  for (let lost = 0; ; lost += 1) {
    try {
      return await array.read();
    } catch (error) {
      if (lost === 3 || (error as { code?: unknown }).code !== "device-lost") throw error;
    }
  }
}

const sequence: Job = (phase) => {
  const length = anyLength(phase.maxHeldLength);
  return phase.take(`A sequence, ${length}`, {}, async () => {
    const [x, y] = [wordsOf(length), wordsOf(length)];
    const count = 1 + below(20);
    const parameters = { factor: 1, y: inout(y), z: output(Uint32Array, length) };
    using recorded = await phase.backend.record(parameters, (run, references) => {
      for (let i = 0; i < count; i += 1) run(step, { factor: references.factor, y: references.y });
      run(combine, { x, y: references.y, z: references.z });
    });
    for (let replay = 0; replay < 3; replay += 1) {
      const factor = below(1000);
      const { z } = await recorded.replay({ factor });
      if (!isCombined(z, x, stepped(y, new Array<number>(count).fill(factor)))) return false;
    }
    return true;
  });
};

const refusedRun: Job = (phase) => {
  const refusal = "invalid-binding";
  return phase.take("A run that is refused", { refusal, retries: phase.retries }, async () => {
    const x = wordsOf(16);
    await phase.backend.run(combine, { x, y: x, z: output(Float32Array, 16) } as never);
    return false;
  });
};

const shortWait: Job = (phase) => {
  const timeoutMs = 1 + below(5);
  const { backend, retries } = phase;
  return phase.take("A run with a short deadline", { retries, timeoutMs }, () =>
    combineRun.run(backend, anyLength(phase.maxLength), { timeoutMs }),
  );
};

const jobs: readonly Job[] = [
  ...[oneRun, oneRun, oneRun, oneRun, oneRun, oneRun, burst, burst],
  ...[stagedRun, leasedRun, residentChain, recoverableArray, sequence, refusedRun, shortWait],
];

/** Does one job after another. */
export async function work(phase: Phase): Promise<void> {
  while (!phase.isEnding) await pick(jobs)(phase);
}

/** A run that is aborted at a random time: at once, some microtasks later, or some milliseconds later. */
export const cancelledRun: Job = (phase) => {
  const controller = new AbortController();
  const { signal } = controller;
  const { backend, retries } = phase;
  const abort = () => controller.abort();
  const length = anyLength(Math.min(phase.maxHeldLength, 2 ** 16));
  const kind = below(8);
  const endings = { signal, retries: kind < 6 ? retries : 0, refusal: "dependency-failed" as const };
  const work = () => {
    if (kind < 6) return anyKernelRun(backend.device.isSoftware).run(backend, length, { signal });
    return kind === 6 ? readLease(phase, length, signal) : runChain(phase, length, signal);
  };
  const taken = phase.take(`A run that is aborted, ${length}`, endings, work);
  abortLater(abort);
  return taken;
};

async function abortLater(abort: () => void): Promise<void> {
  switch (below(4)) {
    case 0:
      break;
    case 1:
      for (let turns = below(20); turns > 0; turns -= 1) await undefined;
      break;
    default:
      await sleep(-4 * Math.log(1 - Math.random()));
  }
  abort();
}
