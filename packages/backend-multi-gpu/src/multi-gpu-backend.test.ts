import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { ComputeError, inout, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { eventually, expectError, expectNothingLive, expectSame } from "@kiln-gpu/test-support";
import { afterEach, describe, expect, test } from "vitest";
import { MultiGpuBackend } from "./multi-gpu-backend.js";
import type { MultiGpuComputeBackend } from "./multi-gpu-compute-backend.js";
import { losableMember, uuidA, uuidB } from "./two-gpus.test-support.js";

const length = 1000;
const a = Float32Array.from({ length }, (_, i) => i);
const b = a.map((value) => value * 3);
const sum = fieldAddReference(a, b);
const c = output(Float32Array, length);

const opened: MultiGpuComputeBackend[] = [];
/** A backend on two devices of the software GPU, which stand for two GPUs. */
async function open({ lossRetries = 1, ...options }: PersistentBackendOptions = {}) {
  const [one, two] = [
    await losableMember(0, { lossRetries, ...options }),
    await losableMember(1, { lossRetries, ...options }),
  ];
  const gpu: MultiGpuComputeBackend = new MultiGpuBackend([one.member, two.member], lossRetries);
  opened.push(gpu);
  return { gpu, devices: [one.devices, two.devices] as const };
}
afterEach(async () => {
  for (const gpu of opened.splice(0)) {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
});
const completed = (gpu: MultiGpuComputeBackend) => gpu.stats().gpus.map(({ runs }) => runs.completed);

describe("a run", () => {
  test("goes to the GPU with the fewest runs, and to the first if they have equally many", async () => {
    const { gpu } = await open();
    for (let i = 0; i < 3; i += 1) await runFieldAdd(gpu, a, b);
    expect(completed(gpu)).toEqual([3, 0]);
    await Promise.all(Array.from({ length: 4 }, () => runFieldAdd(gpu, a, b)));
    expect(completed(gpu)).toEqual([5, 2]);
  });

  test("follows the arrays that it binds, by default those of the first GPU", async () => {
    const { gpu } = await open();
    const [onFirst, onSecond] = [await gpu.array(a), await gpu.array(a, { gpu: uuidB })];
    expect([gpu.gpuOf(onFirst), gpu.gpuOf(onSecond)]).toEqual(gpu.gpus);
    for (const array of [onFirst, onSecond, onSecond]) {
      expectSame((await gpu.run(fieldAdd, { a: array, b, c })).c, sum);
    }
    expect(completed(gpu)).toEqual([1, 2]);
    // Another run at the same time goes elsewhere.
    await Promise.all([gpu.run(fieldAdd, { a: onFirst, b, c }), runFieldAdd(gpu, a, b)]);
    expect(completed(gpu)).toEqual([2, 3]);
    expectSame(await onSecond.read(), a);
    const zeros = await gpu.array(Float32Array, length, { gpu: 1, label: "zeros" });
    expect(gpu.gpuOf(zeros)).toBe(gpu.gpus[1]);
    for (const array of [onFirst, onSecond, zeros]) array.dispose();
  });

  test("follows staged memory", async () => {
    const { gpu } = await open();
    const staged = await gpu.stage(Float32Array, length, { gpu: 1 });
    staged.data.set(a);
    expect(gpu.gpuOf(staged)).toBe(gpu.gpus[1]);
    expectSame((await gpu.run(fieldAdd, { a: staged, b, c })).c, sum);
    expect(completed(gpu)).toEqual([0, 1]);
  });

  test("that binds arrays of two GPUs is refused, and names them", async () => {
    const { gpu } = await open();
    const [one, two] = [await gpu.array(a), await gpu.array(b, { gpu: 1 })];
    await expectError(
      gpu.run(fieldAdd, { a: one, b: two, c }),
      "invalid-binding",
      `Kernel "field-add" binds memory of two GPUs: "a" is on GPU 0 ("Pretended", UUID ${uuidA}), and "b" is on GPU 1 ` +
        `("Pretended", UUID ${uuidB}). Make them on one, with the option "gpu".`,
    );
    await expectError(one.copyFrom(two), "invalid-option");
    one.dispose();
    two.dispose();
  });

  test("fails with the caller's frame on its stack", async () => {
    const { gpu } = await open();
    const failing = async function callsWithoutB() {
      await gpu.run(fieldAdd, { a, c } as never);
    };
    const error = await failing().catch((reason: Error) => reason);
    expect((error as Error).stack!.split("\n").slice(1)[0]).toContain("callsWithoutB");
  });

  test("reads its bindings at the call, also if it goes on elsewhere", async () => {
    const { gpu, devices } = await open();
    const bindings = { a, b, c };
    const running = gpu.run(fieldAdd, bindings);
    bindings.a = b;
    devices[0].lose();
    expectSame((await running).c, sum);
    expect(gpu.stats().runs.retried).toBe(1);
  });

  test("is ended by its own signal and its own deadline", async () => {
    const { gpu } = await open();
    await expectError(gpu.run(fieldAdd, { a, b, c }, { signal: AbortSignal.abort("enough") }), "aborted");
    const ending = new AbortController();
    const running = gpu.run(fieldAdd, { a, b, c }, { signal: ending.signal });
    ending.abort("enough");
    expect((await expectError(running, "aborted")).cause).toBe("enough");
    await expectError(gpu.run(fieldAdd, { a, b, c }, { timeoutMs: -1 }), "invalid-option", "timeoutMs");
    const { profile } = await gpu.run(fieldAdd, { a, b, c }, { profile: true, timeoutMs: 60_000 });
    expect(profile.totalMs).toBeGreaterThan(0);
  });
});

describe("when a GPU is lost", () => {
  test("its runs go on elsewhere, and later runs avoid it until it is back", async () => {
    const { gpu, devices } = await open();
    const events: string[] = [];
    for (const event of ["lost", "recovered"] as const)
      gpu.on(event, ({ gpu }) => events.push(`${event} ${gpu.index}`));
    await gpu.prepare(fieldAdd);
    const running = Array.from({ length: 20 }, () => runFieldAdd(gpu, a, b));
    devices[1].lose();
    const others = Array.from({ length: 20 }, () => runFieldAdd(gpu, a, b));
    for (const result of await Promise.all([...running, ...others])) expectSame(result, sum);
    const { runs, devices: counted } = gpu.stats();
    expect(runs).toMatchObject({ started: 40, completed: 40, failed: 0, pending: 0 });
    // Ten of the first twenty, and of the others those that came before the loss was reported.
    expect(runs.retried).toBeGreaterThanOrEqual(10);
    expect(counted.lost).toBe(1);
    await runFieldAdd(gpu, a, b);
    await eventually(() => expect(events).toEqual(["lost 1", "recovered 1"]));
    await Promise.all([runFieldAdd(gpu, a, b), runFieldAdd(gpu, a, b)]);
    expect(devices[1].opened).toHaveLength(2);
  });

  test("and cannot be opened again, its runs still go on elsewhere", async () => {
    const { gpu, devices } = await open({ recovery: false });
    const running = Array.from({ length: 20 }, () => runFieldAdd(gpu, a, b));
    devices[0].lose();
    for (const result of await Promise.all(running)) expectSame(result, sum);
    await gpu.prepare(fieldAdd);
    for (let i = 0; i < 3; i += 1) expectSame(await runFieldAdd(gpu, a, b), sum);
    devices[1].lose();
    await expectError(runFieldAdd(gpu, a, b), "device-lost");
    await expectError(gpu.prepare(fieldAdd), "device-lost");
  });

  test("a run goes on elsewhere no more often than `lossRetries` says", async () => {
    const { gpu, devices } = await open({ lossRetries: 0 });
    const running = runFieldAdd(gpu, a, b);
    devices[0].lose();
    const error = await expectError(running, "device-lost");
    expect(error).toBeInstanceOf(ComputeError);
    expectSame(await runFieldAdd(gpu, a, b), sum);
  });

  test("its arrays are lost or restored, and their runs stay with them", async () => {
    const { gpu, devices } = await open();
    const [kept, lost] = [await gpu.array(a, { gpu: 1, recoverable: true }), await gpu.array(a, { gpu: 1 })];
    const lostArrays: (readonly string[])[] = [];
    gpu.on("lost", (event) => lostArrays.push(event.lost));
    devices[1].lose();
    expectSame((await gpu.run(fieldAdd, { a: kept, b, c })).c, sum);
    await expectError(gpu.run(fieldAdd, { a: lost, b, c }), "device-lost");
    expect(lostArrays).toEqual([[expect.stringContaining("Float32Array")]]);
    expect(gpu.gpuOf(kept)).toBe(gpu.gpus[1]);
    kept.dispose();
    lost.dispose();
  });

  test("a run with a signal goes on elsewhere, and can still be aborted", async () => {
    const { gpu, devices } = await open();
    const ending = new AbortController();
    const running = gpu.run(fieldAdd, { a, b, c }, { signal: ending.signal, timeoutMs: 60_000 });
    devices[0].lose();
    expectSame((await running).c, sum);
  });

  test("writes into a caller's memory once, with the results", async () => {
    const { gpu, devices } = await open();
    const into = new Float32Array(length);
    const running = gpu.run(fieldAdd, { a, b, c: output(Float32Array, length, { into }) });
    devices[0].lose();
    expect((await running).c).toBe(into);
    expectSame(into, sum);
  });
});

describe("a sequence", () => {
  const chain = (gpu: MultiGpuComputeBackend, where?: number) =>
    gpu.record(
      { a, c: inout(b) },
      (run, { a, c }) => {
        run(fieldAdd, { a, b: a, c });
      },
      { label: "chain", ...(where !== undefined && { gpu: where }) },
    );
  const doubled = fieldAddReference(a, a);

  test("is recorded on the GPU that is named, and replays there", async () => {
    const { gpu } = await open();
    for (const where of [0, 1]) {
      const sequence = await chain(gpu, where);
      expect(gpu.gpuOf(sequence)).toBe(gpu.gpus[where]);
      expect([sequence.label, sequence.dispatches]).toEqual(["chain", 1]);
      expectSame((await sequence.replay()).c, doubled);
      expectSame((await sequence.replay({ a: b })).c, fieldAddReference(b, b));
      sequence.dispose();
    }
    expect(completed(gpu)).toEqual([2, 2]);
  });

  test("follows the arrays that it binds", async () => {
    const { gpu } = await open();
    const array = await gpu.array(a, { gpu: 1 });
    let calls = 0;
    const record = (options: object) =>
      gpu.record(
        { b, c },
        (run, { b, c }) => {
          calls += 1;
          run(fieldAdd, { a: array, b, c });
        },
        options,
      );
    const sequence = await record({});
    expect(calls).toBe(1);
    expect(gpu.gpuOf(sequence)).toBe(gpu.gpus[1]);
    expectSame((await sequence.replay()).c, sum);
    await expectError(
      record({ gpu: 0 }),
      "invalid-option",
      /is to be recorded on GPU 0 .*, and binds an array of GPU 1/,
    );
    sequence.dispose();
    array.dispose();
  });

  test("that binds arrays of two GPUs is refused", async () => {
    const { gpu } = await open();
    const [one, two] = [await gpu.array(a), await gpu.array(b, { gpu: 1 })];
    const recording = gpu.record({ c }, (run, { c }) => {
      run(fieldAdd, { a: one, b, c });
      run(fieldAdd, { a: two, b, c });
    });
    await expectError(recording, "invalid-binding", 'Sequence "sequence" binds memory of two GPUs: "a" is on GPU 0');
    one.dispose();
    two.dispose();
  });

  test("whose GPU is lost is lost, and its replay counts towards the load of its GPU", async () => {
    const { gpu, devices } = await open();
    const sequence = await chain(gpu, 0);
    const [replay] = [sequence.replay(), await runFieldAdd(gpu, a, b)];
    expectSame((await replay).c, doubled);
    expect(completed(gpu)).toEqual([1, 1]);
    devices[0].lose();
    await expectError(sequence.replay(), "device-lost");
    sequence.dispose();
  });
});

describe("a disposed backend", () => {
  test("refuses everything", async () => {
    const { gpu } = await open();
    const running = runFieldAdd(gpu, a, b);
    const disposing = gpu.dispose();
    expectSame(await running, sum);
    await disposing;
    await expectError(runFieldAdd(gpu, a, b), "disposed", "The multi-gpu backend is disposed");
    await expectError(gpu.prepare(fieldAdd), "disposed");
    await expectError(gpu.array(a), "disposed");
    await expectError(gpu.stage(Float32Array, 4), "disposed");
    await expectError(
      gpu.record({ c }, () => undefined),
      "disposed",
    );
  });
});

test("what is no place is refused", async () => {
  const { gpu } = await open();
  await expectError(gpu.array(a, { gpu: 2 }), "no-adapter", "No GPU has the index 2; found: 0 is");
  await expectError(gpu.array(a, { gpu: "second" }), "invalid-option", 'The option "gpu" must be the UUID');
  await expectError(gpu.array(a, { gup: 1 } as never), "invalid-option", "gup");
});
