import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { expectError, expectNothingLive, expectSame, RandomData, withOwnDevice } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { type Fault, faultsOf, faultsOfMethods } from "./faults.js";
import { watchedDevice } from "./faulty-device.js";
import { LittleMemory } from "./little-memory.js";
import { type Case, play, type Recording, record } from "./play.js";
import { type PartName, parts } from "./workloads.js";

/**
 * Whether each fault strikes every call of every part. Otherwise it strikes a first call in one part and a later call
 * in another.
 */
const isLong = process.env.KILN_LONG === "1";

const recordings = new Map<PartName, Recording>();

beforeAll(async () => {
  for (const part of Object.keys(parts) as PartName[]) recordings.set(part, await record(part));
});

/** The cases of `method`: all its faults, spread over the parts so that every part meets some. */
function casesOf(method: string): Case[] {
  const seen = [...recordings].flatMap(([part, recording]) => {
    const of = recording.get(method);
    return of ? [{ part, ...of }] : [];
  });
  const isAsynchronous = seen.some((of) => of.isAsynchronous);
  return faultsOf(method, isAsynchronous).flatMap((fault, i) => {
    if (isLong) {
      return seen.flatMap(({ part, calls }) => Array.from({ length: calls }, (_, at) => ({ part, method, fault, at })));
    }
    const first = seen[i % seen.length]!;
    const later = seen[(i + (seen.length >> 1)) % seen.length]!;
    return [
      { part: first.part, method, fault, at: 0 },
      { part: later.part, method, fault, at: later.calls >> 1 },
    ];
  });
}

describe("a WebGPU call that fails", () => {
  it("is a call of a listed method, and every listed method is called", () => {
    const called = new Set([...recordings.values()].flatMap((recording) => [...recording.keys()]));
    expect([...called].sort()).toEqual(Object.keys(faultsOfMethods).sort());
  });

  it.each(Object.keys(faultsOfMethods))(
    "%s: gives right results or a ComputeError, and leaves nothing behind",
    async (method) => {
      const problems: string[] = [];
      const struck = new Set<Fault>();
      const cases = casesOf(method);
      for (const one of cases) {
        const verdict = await play(one);
        const { part, fault, at } = one;
        if (verdict.hasStruck) struck.add(fault);
        problems.push(...verdict.problems.map((problem) => `${part}, call ${at} ${fault}: ${problem}`));
      }
      expect(problems).toEqual([]);
      expect([...struck].sort()).toEqual([...new Set(cases.map(({ fault }) => fault))].sort());
    },
    isLong ? 60 * 60_000 : 180_000,
  );
});

describe("a device error about commands that still run", () => {
  it.each<PartName>(["resident arrays", "repeated steps"])(
    "does not let a batch write arrays twice: %s",
    async (part) => {
      for (let at = 0; at < 2; at += 1) {
        const verdict = await play({ part, method: "GPUComputePassEncoder.end", fault: "is refused", at });
        expect(verdict).toMatchObject({ hasStruck: true, problems: [] });
      }
    },
  );
});

describe("a device with little memory", () => {
  const data = new RandomData(71);

  /** Needs 16 bytes of device memory per element. */
  async function add(gpu: ComputeBackend, length: number): Promise<void> {
    const [a, b] = [data.floats(length), data.floats(length)];
    const { c } = await gpu.run(fieldAdd, { a, b, c: output(Float32Array, length) });
    expectSame(c, fieldAddReference(a, b));
  }

  const withMemory = (byteLength: number, work: (gpu: ComputeBackend, memory: LittleMemory) => Promise<void>) =>
    withOwnDevice(async (device) => {
      const memory = new LittleMemory(byteLength);
      const gpu = await openPersistentBackend({ device: watchedDevice(device, memory.intercept) });
      try {
        await work(gpu, memory);
      } finally {
        await gpu.dispose();
      }
      expectNothingLive(gpu);
      expect(memory.usedByteLength).toBe(0);
    });

  it("gets unused memory back once, and the run that asked succeeds", () =>
    withMemory(36 * 1024, async (gpu, memory) => {
      await add(gpu, 1024);
      expect([memory.refusals, memory.usedByteLength]).toEqual([0, 16 * 1024]);
      await add(gpu, 2048);
      expect([memory.refusals, memory.usedByteLength]).toEqual([1, 32 * 1024]);
    }));

  it("rejects only the run without memory, after one retry, and runs all others", () =>
    withMemory(20 * 1024, async (gpu, memory) => {
      await add(gpu, 64);
      await expectError(add(gpu, 2048), "out-of-memory", /32768 bytes/);
      expect(memory.refusals).toBe(2);
      for (let round = 0; round < 3; round += 1) {
        const runs = [100, 64, 2048, 100, 2000, 64].map((length) => {
          const run = add(gpu, length);
          return length >= 2000 ? expectError(run, "out-of-memory", /bytes/) : run;
        });
        await Promise.all(runs);
      }
      memory.byteLength = 40 * 1024;
      await add(gpu, 2048);
    }));
});
