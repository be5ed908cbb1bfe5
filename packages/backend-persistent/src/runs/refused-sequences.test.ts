import { type Bindings, defineKernel, inout, output, type RecordRun, type References } from "@kiln-gpu/core";
import { bindingRole } from "@kiln-gpu/core/backend";
import { saxpy } from "@kiln-gpu/kernels";
import {
  collectUnhandledRejections,
  combine,
  combined,
  expectError,
  expectSame,
  RandomData,
  sabotage,
  software,
  step,
  stepped,
  victimWorkgroups,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(49);

describe("a sequence that cannot be", () => {
  it("is refused by name as it is recorded", () =>
    usingBackend(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const floats = await gpu.array(Float32Array, 4);
      const label = "chain";
      let foreign: unknown;
      await expectError(
        gpu.record({}, () => {}, { label }),
        "invalid-option",
        /"chain" records no runs/,
      );
      await expectError(
        gpu.record({ a: 1 }, (run) => run(step, { factor: 1, y }), { label }),
        "invalid-option",
        /parameter "a" that no run binds/,
      );
      await expectError(
        gpu.record({}, (run) => run(step, { factor: 1, y: output(Uint32Array, 64) } as never), { label }),
        "invalid-binding",
        /"chain" binds an output as "y" of kernel "step"; make it a parameter/,
      );
      await expectError(
        gpu.record({}, (run) => run(step, { y } as never), { label }),
        "invalid-binding",
        /"step".*"factor".*missing/,
      );
      const other = await gpu.record({ f: 1 }, (run, { f }) => {
        run(step, { factor: f, y });
        foreign = f;
      });
      await expectError(
        gpu.record({}, (run) => run(step, { factor: foreign as never, y }), { label }),
        "invalid-binding",
        /parameter of another sequence/,
      );
      await expectError(
        gpu.record({ v: 2 }, (run, { v }) => {
          run(step, { factor: v, y });
          run(saxpy, { alpha: v, x: new Float32Array(4), y: floats });
        }),
        "invalid-binding",
        /"v" as u32 and as f32/,
      );
      await expectError(
        gpu.record({ p: inout(data.words(8)) }, (run, { p }) => run(combine, { x: p, y, z: p }), { label }),
        "invalid-binding",
        /"chain" binds "p" twice.*"combine"/,
      );
      await expectError(
        gpu.record({ k: 1 }, (run, { k }) => run(step, { factor: { k } as never, y }), { label }),
        "invalid-binding",
        /"chain" binds the reference of its parameter "k" as "factor.k", within "factor" of kernel "step"; a parameter is a whole binding/,
      );
      const field = await gpu.array(data.words(8), { label: "field" });
      await expectError(
        gpu.record({}, (run) => run(combine, { x: field, y, z: field }), { label }),
        "invalid-kernel",
        /"combine" binds the resident array "field" as "x" and as "z"/,
      );
      const named = await gpu.record({ profile: inout(data.words(8)) }, (run, { profile }) =>
        run(step, { factor: 1, y: profile }),
      );
      await expectError(named.replay({}, { profile: true }), "invalid-binding", /Sequence.*"profile"/);
      const bad = defineKernel({ label: "bad", wgsl: "@compute fn main() { nothing }" });
      await expect(gpu.record({}, (run) => run(bad, { y }))).rejects.toMatchObject({ name: "ComputeError" });
      await expect(
        gpu.record({}, () => {
          throw new Error("mine");
        }),
      ).rejects.toThrow("mine");
      other.dispose();
    }));

  it("is refused where its callback is asynchronous, which leaves nothing behind", () =>
    usingBackend(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const ended = collectUnhandledRejections();
      const { made, live } = gpu.stats().buffers;
      let late: unknown;
      const build = async (run: RecordRun, { factor }: References<{ factor: number }>) => {
        run(step, { factor, y });
        await undefined;
        try {
          run(step, { factor, y });
        } catch (error) {
          late = error;
          throw error;
        }
      };
      await expectError(
        gpu.record({ factor: 2 }, build, { label: "chain" }),
        "invalid-option",
        /"chain": its function `build` returned a promise; it is called and read at once/,
      );
      expect(await ended()).toEqual([]);
      expect(late).toMatchObject({
        code: "invalid-option",
        message: expect.stringMatching(/"chain" is already recorded/),
      });
      expect(gpu.stats().buffers).toMatchObject({ made, live });
      const sequence = await gpu.record({ factor: 2 }, (run, { factor }) => run(step, { factor, y }));
      await sequence.replay();
    }));

  it("is refused by name as it is replayed, and serves on", () =>
    usingBackend(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const sequence = await gpu.record(
        { factor: 2, x: data.words(64), z: output(Uint32Array, 64) },
        (run, { factor, x, z }) => {
          run(step, { factor, y });
          run(combine, { x, y, z });
        },
        { label: "chain" },
      );
      const replay = (values: object) => sequence.replay(values);
      await expectError(replay({ w: 1 }), "invalid-binding", /"chain" has no parameter "w"; it has "factor", "x", "z"/);
      await expectError(
        replay({ x: data.words(32) }),
        "invalid-binding",
        /Uint32Array of 64 as "x".*Uint32Array of 32/,
      );
      await expectError(replay({ x: data.floats(64) }), "invalid-binding", /Uint32Array of 64.*Float32Array of 64/);
      await expectError(replay({ z: output(Uint32Array, 3) }), "invalid-binding", /output Uint32Array of 64/);
      await expectError(replay({ x: undefined }), "invalid-binding", /as "x"; got undefined/);
      await expectError(replay({ factor: [1, 2] }), "invalid-binding", /factor/);
      const before = await y.read();
      const x = data.words(64);
      expectSame((await sequence.replay({ x, factor: 3 })).z, combined(x, stepped(before, 3)));
      const stop = new AbortController();
      stop.abort();
      await expectError(sequence.replay({}, { signal: stop.signal }), "aborted", /sequence "chain"/);
      y.dispose();
      await expectError(sequence.replay(), "invalid-binding", /"chain".*array.*disposed/);
    }));

  it("is refused by name with staged memory that it cannot take, which stays its caller's", () =>
    usingBackend(async (gpu) => {
      const show = defineKernel<Bindings>({
        label: "show",
        wgsl: `var<immediate> p: vec4u;
          @group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = p[id.x]; }`,
      });
      const label = "chain";
      const x = data.words(64);
      const sequence = await gpu.record(
        { p: new Uint32Array(4), factor: 2, x, w: inout(x), z: output(Uint32Array, 64), shown: output(Uint32Array, 4) },
        (run, { p, factor, x, w, z, shown }) => {
          run(show, { p, y: shown });
          run(step, { factor, y: w });
          run(combine, { x, y: w, z });
        },
        { label },
      );
      const replay = (values: object) => sequence.replay(values);
      const [few, right] = [await gpu.stage(Uint32Array, 4), await gpu.stage(Uint32Array, 64)];
      await expectError(
        replay({ x: few }),
        "invalid-binding",
        /Uint32Array of 64 as "x"; got a staged Uint32Array of 4/,
      );
      await expectError(replay({ w: right }), "invalid-binding", /inout Uint32Array of 64 as "w"; got a staged/);
      await expectError(replay({ z: right }), "invalid-binding", /output Uint32Array of 64 as "z"; got a staged/);
      await expectError(replay({ factor: few }), "invalid-binding", /a value as "factor"; got a staged/);
      await expectError(
        replay({ x: { [bindingRole]: "staged" } }),
        "invalid-binding",
        /as "x"; got a staged undefined/,
      );
      await expectError(
        replay({ p: few }),
        "invalid-binding",
        /"chain" is given staged memory as "p", which is set while/,
      );
      few.data.fill(1);
      await using other = await openPersistentBackend(software);
      using foreign = await other.stage(Uint32Array, 64);
      await expectError(
        replay({ x: foreign }),
        "invalid-binding",
        /"chain" is given staged memory as "x" that another backend staged/,
      );
      foreign.data.set(x);
      right.data.set(x);
      expectSame((await sequence.replay({ x: right })).z, combined(x, stepped(x, 2)));
      await expectError(
        replay({ x: right }),
        "invalid-binding",
        /"chain" is given staged memory as "x" that was bound or released/,
      );
      const stop = new AbortController();
      stop.abort();
      const kept = await gpu.stage(Uint32Array, 64);
      await expectError(sequence.replay({ x: kept }, { signal: stop.signal }), "aborted", /"chain"/);
      kept.data.set(x);
      sequence.dispose();
      await expectError(sequence.replay({ x: kept }), "disposed", /"chain"/);
      expect(kept.data[3]).toBe(x[3]);
      await expectError(
        gpu.record({ x: kept as never }, () => {}, { label }),
        "invalid-binding",
        /"chain" has staged memory as its parameter "x"; record it with an array/,
      );
      expect(kept.data[3]).toBe(x[3]);
      const y = await gpu.array(x);
      await expectError(
        gpu.record({ y: y as never }, () => {}, { label }),
        "invalid-binding",
        /"chain" has a resident array as its parameter "y"; bind the array itself/,
      );
    }));

  it.each(["recording", "submit"] as const)(
    "by the device at %s rejects, with what was to work on its result",
    (time) =>
      withOwnDevice(async (device) => {
        await usingBackend(
          async (gpu) => {
            sabotage(device, time);
            const words = data.words(64);
            const y = await gpu.array(words);
            const victim = await gpu.record({ factor: 3 }, (run, { factor }) => {
              run(step, { factor, y });
              run(step, { factor, y }, { workgroups: [1, victimWorkgroups] });
            });
            const good = await gpu.record({ factor: 3 }, (run, { factor }) => run(step, { factor, y }));
            await Promise.all([
              expectError(victim.replay(), "invalid-kernel", /Sequence "sequence" was refused/),
              expectError(good.replay(), "dependency-failed", /"sequence".*refused/),
            ]);
            await good.replay();
            expectSame(await y.read(), stepped(words, 3));
          },
          { device },
        );
      }),
  );
});
