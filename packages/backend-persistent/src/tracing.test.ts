import {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import {
  expectError,
  expectNested,
  expectSame,
  expectWhole,
  phasesOf,
  RandomData,
  software,
  submissionPhases,
  TraceLog,
} from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";

const data = new RandomData(47);
const [a, b] = [data.floats(1000), data.floats(1000)];
const bindings = { a, b, c: output(Float32Array, 1000) };

async function expectRun(backend: ComputeBackend): Promise<void> {
  expectSame((await backend.run(fieldAdd, bindings)).c, fieldAddReference(a, b));
}

describe("the trace of the persistent backend", () => {
  async function withTrace(
    work: (gpu: PersistentComputeBackend, trace: TraceLog) => Promise<void>,
    options: PersistentBackendOptions = software,
  ): Promise<void> {
    const trace = new TraceLog();
    const gpu = await openPersistentBackend({ ...options, tracer: trace });
    try {
      await work(gpu, trace);
    } finally {
      await gpu.dispose();
    }
  }

  it("has one submission for the runs that share it", () =>
    withTrace(async (gpu, trace) => {
      await gpu.prepare(fieldAdd);
      await Promise.all(Array.from({ length: 8 }, () => expectRun(gpu)));
      const [shared] = trace.submissions;
      expect(trace.submissions).toHaveLength(1);
      expect(shared!.work).toEqual(trace.runs.map(({ id }) => id));
      expect(trace.runs).toHaveLength(8);
      for (const run of trace.runs) {
        expectWhole(run);
        expect(run.submission).toBe(shared);
      }
    }));

  it("has a submission that was refused, and then one for each of its runs", () =>
    withTrace(async (gpu, trace) => {
      // Warm, so that all are checked in their calls.
      await expectRun(gpu);
      trace.events.length = 0;
      const taken = data.floats(1000);
      const good = [expectRun(gpu), expectRun(gpu)];
      const bad = gpu.run(fieldAdd, { ...bindings, a: taken });
      structuredClone(taken.buffer, { transfer: [taken.buffer] });
      await expectError(bad, "invalid-binding", "and now it has 0");
      await Promise.all(good);
      const [shared, ...alone] = trace.submissions;
      expect(shared).toMatchObject({ work: trace.runs.map(({ id }) => id).sort(), error: { code: "invalid-binding" } });
      expect(alone.map(({ work }) => work.length)).toEqual([1, 1, 1]);
      for (const { id, error, submission } of trace.runs) {
        expect(submission!.work).toEqual([id]);
        expect(submission!.error).toEqual(error);
      }
      expect(trace.runs.map(({ error }) => error?.code).sort()).toEqual(["invalid-binding", undefined, undefined]);
    }));

  it("has the opening of the device and each compilation, once", () =>
    withTrace(async (gpu, trace) => {
      for (let i = 0; i < 3; i += 1) await expectRun(gpu);
      expect(trace.tasks.map(({ label }) => label)).toEqual([
        "The opening of a device",
        `The compilation of kernel "${fieldAdd.label}"`,
      ]);
      const [first] = trace.runs;
      expectNested(first!.phases[0]!, [trace.tasks[1]!]);
    }));

  it("has what is done with resident arrays and sequences, with the submissions of each", () =>
    withTrace(async (gpu, trace) => {
      const x = await gpu.array(a, { label: "x" });
      const sequence = await gpu.record({ c: output(Float32Array, 1000) }, (run, { c }) => {
        run(fieldAdd, { a: x, b: x, c });
      });
      await sequence.replay();
      await x.read();
      const work = [...trace.tasks, ...trace.runs];
      for (const text of ['The write of resident array "x"', 'The read of resident array "x"', 'sequence "sequence"']) {
        const span = work.find(({ label }) => label === text)!;
        expectNested(span, [span.submission!]);
        expect(phasesOf(span.submission!)).toEqual(submissionPhases);
        expect(span.submission!.work).toEqual([span.id]);
      }
      expect(trace.runs).toHaveLength(1);
      expect(trace.tasks.map(({ label }) => label)).toContain('The recording of sequence "sequence"');
      sequence.dispose();
      x.dispose();
    }));

  it("has a device that is lost, and another in its place", async () => {
    const devices: GPUDevice[] = [];
    const device = async () => {
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      return opened;
    };
    await withTrace(
      async (gpu, trace) => {
        await expectRun(gpu);
        const recovered = new Promise((resolve) => gpu.on("recovered", resolve));
        devices[0]!.destroy();
        await recovered;
        await expectRun(gpu);
        expect(trace.devices).toMatchObject([
          { change: "lost", device: gpu.device.name, error: { code: "device-lost" } },
          { change: "recovered", device: gpu.device.name },
        ]);
        expect(trace.devices[0]!.atUs).toBeLessThanOrEqual(trace.devices[1]!.atUs);
        expect(trace.tasks.filter(({ label }) => label === "The opening of a device")).toHaveLength(2);
        // Ids go on: a submission is told apart from those of another device.
        expect(trace.submissions.map(({ id }) => id)).toEqual([1, 2]);
      },
      { device },
    );
  });
});
