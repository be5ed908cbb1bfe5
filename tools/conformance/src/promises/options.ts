import { type ComputeBackend, defineKernel, inout, output } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, RandomData, software } from "@kiln-gpu/test-support";
import { describe, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const data = new RandomData(71);
const [a, b] = [data.floats(8), data.floats(8)];
const bindings = () => ({ a, b, c: output(Float32Array, 8) });

/** A kernel of one pass, which has a member more. */
const withPass = (more: object) =>
  defineKernel({
    label: "passes",
    programs: { main: fieldAdd.programs.main! },
    passes: () => [{ program: "main", ...more }],
  });

export function describeOptions(suite: Suite): void {
  describe("an option that does not exist is refused, with the name that was probably meant, by", () => {
    const backend = useBackend(suite);

    it.each<[string, (gpu: ComputeBackend, options: object) => unknown, object, RegExp]>([
      ["opening", (_, options) => suite.open({ ...software, ...options }), { sofware: true }, /"sofware".*"software"/],
      ["run", (gpu, options) => gpu.run(fieldAdd, bindings(), options), { timeout: 1 }, /"timeout".*"timeoutMs"/],
      ["run", (gpu, options) => gpu.run(fieldAdd, bindings(), options), { workgroup: 1 }, /"workgroup".*"workgroups"/],
      ["run", (gpu, options) => gpu.run(fieldAdd, bindings(), options), { colour: 1 }, /"colour".*"signal"/],
      ["run", (gpu, options) => gpu.run(fieldAdd, bindings(), options), [1], /takes no option "0"/],
      ["prepare", (gpu, options) => gpu.prepare(fieldAdd, options), { sginal: undefined }, /"sginal".*"signal"/],
      ["output", (_, options) => output(Float32Array, 4, options), { in: a }, /output takes no option "in".*"into"/],
      ["inout", (_, options) => inout(a, options), { inTo: a }, /inout takes no option "inTo".*"into"/],
      ["a kernel", (gpu, options) => runFieldAdd(gpu, a, b, options), { form: "wgsl" }, /"form".*"from"/],
    ])("%s (%#)", async (_, call, options, words) => {
      await expectError(async () => call(backend(), options), "invalid-option", words);
    });

    it.each<[string, (gpu: ComputeBackend) => unknown, RegExp]>([
      [
        "defineKernel",
        () => defineKernel({ label: "k", wgsl: "", entrypoint: "main" } as never),
        /The definition of kernel "k" takes no option "entrypoint"; did you mean "entryPoint"\?/,
      ],
      [
        "defineKernel",
        () => defineKernel({ label: "k", programs: { main: { wgsl: "" } }, passes: () => [], thread: 1 } as never),
        /takes no option "thread"; its options are "label", "tunable", "programs", "temporaries", "passes"\./,
      ],
      [
        "a program",
        () => defineKernel({ label: "k", programs: { main: { wgsl: "", constant: {} } }, passes: () => [] } as never),
        /Program "main" of kernel "k" takes no option "constant"; did you mean "constants"\?/,
      ],
      [
        "a pass",
        (gpu) => gpu.run(withPass({ workgroup: 1 }), bindings()),
        /A pass of kernel "passes" takes no option "workgroup"; did you mean "workgroups"\?/,
      ],
      [
        "the bindings of a pass",
        (gpu) => gpu.run(withPass({ bindings: null }), bindings()),
        /A pass of kernel "passes": "bindings" must be an object; got null\./,
      ],
    ])("%s (%#)", async (_, call, words) => {
      await expectError(async () => call(backend()), "invalid-kernel", words);
    });

    it.each<[string, (gpu: ComputeBackend) => unknown]>([
      ["run", (gpu) => gpu.run(fieldAdd, bindings(), null as never)],
      ["run", (gpu) => gpu.run(fieldAdd, bindings(), 1000 as never)],
      ["prepare", (gpu) => gpu.prepare(fieldAdd, null as never)],
      ["output", () => output(Float32Array, 4, a.length as never)],
    ])("%s, where options are not an object (%#)", async (_, call) => {
      await expectError(async () => call(backend()), "invalid-option", /takes its options as an object; got /);
    });
  });
}
