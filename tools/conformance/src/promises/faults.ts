import { type ComputeBackend, defineKernel, inout, output } from "@kiln-gpu/core";
import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import {
  expectError,
  expectNothingLive,
  expectSame,
  expectUsable,
  type FaultTime,
  nextSubmission,
  RandomData,
  sabotage,
  spin,
  spinBindings,
  starve,
  victimWorkgroups,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import type { Suite } from "../support/suite.js";

/** `c[i] = a[i] * 3`; the workgroups in y only mark the victim. */
const triple = defineKernel({
  label: "triple",
  wgsl: `@group(0) @binding(0) var<storage, read> a: array<u32>;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.y == 0 && id.x < arrayLength(&c)) { c[id.x] = c[id.x] + a[id.x] * 3; }
    }`,
});

const data = new RandomData(9);

async function runTriple(backend: ComputeBackend, options: { isVictim?: boolean; profile?: boolean } = {}) {
  const a = data.words(data.upTo(200), 1e6);
  const { c } = await backend.run(
    triple,
    { a, c: a.length % 2 === 0 ? inout(new Uint32Array(a.length)) : output(Uint32Array, a.length) },
    { workgroups: [4, options.isVictim ? victimWorkgroups : 1], profile: options.profile ?? false },
  );
  expectSame(
    c,
    a.map((value) => value * 3),
  );
}

export function describeFaults(suite: Suite): void {
  const withBackend = (work: (backend: ComputeBackend, device: GPUDevice) => Promise<void>) =>
    withOwnDevice(async (device) => {
      const backend = await suite.open({ device });
      try {
        await work(backend, device);
      } finally {
        await backend.dispose();
      }
      expectNothingLive(backend);
    });

  describe("a device of the caller's own", () => {
    it("is used and stays alive when the backend is disposed", async () => {
      await withOwnDevice(async (device) => {
        for (let i = 0; i < 2; i += 1) {
          const backend = await suite.open({ device });
          await Promise.all([runTriple(backend), runTriple(backend)]);
          await backend.dispose();
          expectNothingLive(backend);
          await expectUsable(device);
        }
      });
    });

    it("that is already lost rejects the runs with that reason", async () => {
      await withOwnDevice(async (device) => {
        device.destroy();
        await device.lost;
        const backend = await suite.open({ device });
        await expectError(runTriple(backend), "device-lost", "is lost");
        await backend.dispose();
        expectNothingLive(backend);
      });
    });

    it("may serve several backends and the caller at once", async () => {
      await withOwnDevice(async (device) => {
        const backends = await Promise.all([suite.open({ device }), suite.open({ device })]);
        await Promise.all([runTriple(backends[0]!), runTriple(backends[1]!), expectUsable(device)]);
        await backends[0]!.dispose();
        await runTriple(backends[1]!);
        await backends[1]!.dispose();
        await expectUsable(device);
      });
    });
  });

  describe.each<FaultTime>(["recording", "submit"])("a submission that the device refuses at %s", (time) => {
    it("rejects its run and never returns stale bytes", async () => {
      await withBackend(async (backend, device) => {
        for (let i = 0; i < 3; i += 1) await runTriple(backend);
        sabotage(device, time);
        for (let i = 0; i < 3; i += 1) {
          for (const profile of [false, true]) {
            const error = await expectError(
              runTriple(backend, { isVictim: true, profile }),
              "invalid-kernel",
              /"triple"/,
            );
            expect(error.cause).toBeDefined();
            await runTriple(backend, { profile });
          }
        }
        await expectUsable(device);
      });
    });

    it("rejects only that run of many at once", async () => {
      await withBackend(async (backend, device) => {
        sabotage(device, time);
        for (let round = 0; round < 2; round += 1) {
          await Promise.all(
            Array.from({ length: 30 }, (_, i) => {
              const isVictim = i % 11 === 4;
              const run = runTriple(backend, { isVictim });
              return isVictim ? expectError(run, "invalid-kernel", /"triple"/) : run;
            }),
          );
        }
      });
    });
  });

  describe("a device without memory", () => {
    it("rejects runs with `out-of-memory` and runs the next", async () => {
      await withBackend(async (backend, device) => {
        const end = starve(device);
        await expectError(runTriple(backend), "out-of-memory", /\d+ bytes/);
        await Promise.all([1, 2, 3].map(() => expectError(runTriple(backend), "out-of-memory", /\d+ bytes/)));
        end();
        await Promise.all([1, 2, 3].map(() => runTriple(backend)));
        const again = starve(device);
        const large = new Float32Array(100_000);
        const error = await expectError(runFieldAdd(backend, large, large), "out-of-memory", /\d+ bytes/);
        expect(String((error.cause as GPUError).message)).toMatch("no memory left");
        again();
      });
    });
  });

  describe("a device that is lost", () => {
    it("rejects the runs in flight and all later ones", async () => {
      await withBackend(async (backend, device) => {
        await backend.prepare(spin);
        await runTriple(backend);
        const submission = nextSubmission(device);
        const runs = [backend.run(spin, spinBindings), runTriple(backend), runTriple(backend, { profile: true })];
        const rejections = Promise.all(runs.map((run) => expectError(run, "device-lost", /lost.*destroyed/)));
        await submission;
        const waiting = expectError(runTriple(backend), "device-lost");
        device.destroy();
        const late = expectError(runTriple(backend), "device-lost");
        await Promise.all([rejections, waiting, late]);
        await expectError(runTriple(backend), "device-lost", /lost.*destroyed/);
        await expectError(backend.prepare(triple), "device-lost", /lost.*destroyed/);
        expect(backend.stats().runs.pending).toBe(0);
      });
    });

    it("before the first run rejects that run", async () => {
      await withBackend(async (backend, device) => {
        device.destroy();
        await device.lost;
        await Promise.all([1, 2].map(() => expectError(runTriple(backend), "device-lost", /lost.*destroyed/)));
        await expectError(backend.prepare(triple), "device-lost", /lost/);
      });
    });

    it("does not affect a backend on another device", async () => {
      await withBackend(async (other) => {
        await withBackend(async (backend, device) => {
          const rejection = expectError(runTriple(backend), "device-lost");
          const run = runTriple(other);
          device.destroy();
          await Promise.all([rejection, run]);
        });
        const a = data.floats(10);
        expectSame(await runFieldAdd(other, a, a), fieldAddReference(a, a));
      });
    });
  });
}
