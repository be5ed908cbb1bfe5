import { output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import {
  expectError,
  expectSame,
  RandomData,
  sabotage,
  TraceLog,
  victimWorkgroups,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it, vi } from "vitest";
import type { PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(89);

function bindingsOf(length: number) {
  const [a, b] = [new Float32Array(length), new Float32Array(length)];
  for (const array of [a, b]) array.set(data.floats(100));
  return { a, b, c: output(Float32Array, length) };
}

async function expectSums(gpu: PersistentComputeBackend, length: number): Promise<void> {
  const bindings = bindingsOf(length);
  const { c } = await gpu.run(fieldAdd, bindings);
  expectSame(c, fieldAddReference(bindings.a, bindings.b));
}

describe("a submission that is refused", () => {
  // Inputs of these lengths are gathered for the queue, given to the queue one by one, and written into staging.
  it.each([100, 5000, 2 ** 20])("for an input of %i elements that was taken away holds no memory", (length) =>
    usingBackend(async (gpu) => {
      await expectSums(gpu, length);
      for (let i = 0; i < 3; i += 1) {
        const bindings = bindingsOf(length);
        const run = expectError(gpu.run(fieldAdd, bindings), "invalid-binding", /"b" with \d+ bytes, and now it has 0/);
        structuredClone(bindings.b, { transfer: [bindings.b.buffer] });
        await run;
        expect(gpu.stats().buffers.inUseBytes).toBe(0);
      }
      await expectSums(gpu, length);
    }),
  );

  it("for a bind group leaves that bind group to no later run", () =>
    withOwnDevice((device) =>
      usingBackend(
        async (gpu) => {
          await gpu.prepare(fieldAdd);
          const createBindGroup = vi.spyOn(device, "createBindGroup");
          const empty = device.createBindGroupLayout({ entries: [] });
          createBindGroup.mockImplementationOnce(() => {
            createBindGroup.mockRestore();
            return device.createBindGroup({ layout: empty, entries: [] });
          });
          await expectError(gpu.run(fieldAdd, bindingsOf(100)), "invalid-kernel", /"field-add"/);
          expect(gpu.stats().bindGroups.live).toBe(0);
          await expectSums(gpu, 100);
        },
        { device },
      ),
    ));

  it("leaves its timer to no later run, and every timer is destroyed in the end", () =>
    withOwnDevice(async (device) => {
      const timers = { made: 0, destroyed: 0 };
      const createQuerySet = device.createQuerySet.bind(device);
      device.createQuerySet = (descriptor) => {
        const set = createQuerySet(descriptor);
        const destroy = set.destroy.bind(set);
        timers.made += 1;
        set.destroy = () => {
          timers.destroyed += 1;
          return destroy();
        };
        return set;
      };
      await usingBackend(
        async (gpu) => {
          const profiled = () => gpu.run(fieldAdd, bindingsOf(100), { profile: true });
          await profiled();
          await profiled();
          expect(timers).toEqual({ made: 1, destroyed: 0 });
          sabotage(device, "submit");
          const options = { profile: true, workgroups: [1, victimWorkgroups] } as const;
          await expectError(gpu.run(fieldAdd, bindingsOf(100), options), "invalid-kernel");
          expect(timers).toEqual({ made: 1, destroyed: 1 });
          await profiled();
          expect(timers).toEqual({ made: 2, destroyed: 1 });
        },
        { device },
      );
      expect(timers).toEqual({ made: 2, destroyed: 2 });
    }));
});

describe("a profiled run", () => {
  it("whose result cannot be given rejects, and its submission is told of with the error", async () => {
    const trace = new TraceLog();
    await usingBackend(
      async (gpu) => {
        await gpu.prepare(fieldAdd);
        const into = new Float32Array(100);
        const bindings = { ...bindingsOf(100), c: output(Float32Array, 100, { into }) };
        const run = expectError(
          gpu.run(fieldAdd, bindings, { profile: true }),
          "invalid-binding",
          /"c".* now it has 0/,
        );
        structuredClone(into, { transfer: [into.buffer] });
        const error = await run;
        expect(trace.submissions).toMatchObject([{ error: { code: error.code, message: error.message } }]);
      },
      { tracer: trace },
    );
  });
});
