import { lease, output, type ResidentArray } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectNothingLive, expectSame, RandomData, software, step } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";
import { nextEvent } from "./device/losses.test-support.js";
import { openPersistentBackend, type PersistentComputeBackend } from "./index.js";

const data = new RandomData(61);
const [a, b] = [data.floats(64), data.floats(64)];

/** One of each call that needs a device. */
const callsOf = (gpu: PersistentComputeBackend, array: ResidentArray<Float32Array>) => ({
  run: () => runFieldAdd(gpu, a, b),
  "run over an array": () => gpu.run(fieldAdd, { a: array, b, c: output(Float32Array, 64) }),
  "run with a lease": () => gpu.run(fieldAdd, { a, b, c: lease(Float32Array, 64) }),
  prepare: () => gpu.prepare(fieldAdd),
  stage: () => gpu.stage(Float32Array, 64),
  array: () => gpu.array(a),
  record: () => gpu.record({ a }, (run, { a }) => run(fieldAdd, { a, b, c: array })),
  read: () => array.read(),
  lease: () => array.lease(),
  write: () => array.write(b),
});

describe("dispose", () => {
  it.each(["opened", "refused"])("rejects the calls that wait for a device, which is %s later", async (outcome) => {
    const devices: GPUDevice[] = [];
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const device = async () => {
      if (devices.length > 0) await waiting;
      if (devices.length > 0 && outcome === "refused") throw new Error("There is no other device.");
      devices.push((await openDevice(software)).device);
      return devices.at(-1)!;
    };
    const gpu = await openPersistentBackend({ device, store: false });
    const array = await gpu.array(a, { recoverable: true });
    const lost = nextEvent(gpu, "lost");
    devices[0]!.destroy();
    await lost;
    const calls = Object.entries(callsOf(gpu, array)).map(async ([name, call]) => {
      const error = await expectError(call(), "disposed", /persistent backend is disposed/);
      expect(error.message, name).not.toMatch(/lost/);
    });
    const disposing = gpu.dispose();
    await Promise.all(calls);
    goOn();
    await disposing;
    expectNothingLive(gpu);
  });

  it("rejects what was to resolve with something that dispose ends, and serves the rest", async () => {
    const gpu = await openPersistentBackend({ ...software, store: false });
    const array = await gpu.array(a);
    const words = await gpu.array(data.words(64));
    const sequence = await gpu.record({ a, c: lease(Float32Array, 64) }, (run, { a, c }) => run(fieldAdd, { a, b, c }));
    const ended = [
      gpu.run(fieldAdd, { a, b, c: lease(Float32Array, 64) }),
      sequence.replay(),
      array.lease(),
      gpu.stage(Float32Array, 64),
      gpu.array(Float32Array, 64),
      gpu.record({ factor: 2 }, (run, { factor }) => run(step, { factor, y: words })),
    ];
    const reading = array.read();
    const disposing = gpu.dispose();
    await Promise.all(ended.map((call) => expectError(call, "disposed", /persistent backend is disposed/)));
    expectSame(await reading, a);
    await disposing;
    expectNothingLive(gpu);
  });

  it("rejects a run whose array was to be restored on another device", async () => {
    const devices: GPUDevice[] = [];
    const device = async () => {
      devices.push((await openDevice(software)).device);
      return devices.at(-1)!;
    };
    const gpu = await openPersistentBackend({ device, store: false });
    const array = await gpu.array(a, { recoverable: true });
    await gpu.prepare(fieldAdd);
    const run = gpu.run(fieldAdd, { a: array, b, c: output(Float32Array, 64) });
    devices[0]!.destroy();
    const disposing = gpu.dispose();
    await expectError(run, "disposed", /persistent backend is disposed/);
    await disposing;
    expectNothingLive(gpu);
  });
});
