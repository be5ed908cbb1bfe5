import { lease, output } from "@kiln-gpu/core";
import { fieldAdd, saxpy } from "@kiln-gpu/kernels";
import { expectError, RandomData, software } from "@kiln-gpu/test-support";
import { expect, it } from "vitest";
import { openPersistentBackend, type PersistentComputeBackend } from "./index.js";
import { usingBackend } from "./using-backend.test-support.js";

const data = new RandomData(73);
const [a, b] = [data.floats(64), data.floats(64)];
const bindings = { a, b, c: lease(Float32Array, 64) };

const record = (gpu: PersistentComputeBackend, options?: object, runOptions?: object) =>
  gpu.record(bindings, (run, references) => run(fieldAdd, references, runOptions), options);

it.each<[string, (gpu: PersistentComputeBackend) => unknown, RegExp]>([
  ["open", () => openPersistentBackend({ ...software, byteBuget: 1 } as never), /"byteBuget".*"byteBudget"/],
  ["open", () => openPersistentBackend({ ...software, pipelines: 1 } as never), /"pipelines".*"maxPipelines"/],
  ["open", () => openPersistentBackend({ ...software, store: { folder: "x" } } as never), /"store" of.*"directory"/],
  ["open", () => openPersistentBackend("software" as never), /takes its options as an object; got "software"/],
  ["record", (gpu) => record(gpu, { lable: "chain" }), /record takes no option "lable"; did you mean "label"\?/],
  [
    "record",
    (gpu) => record(gpu, {}, { timeoutMs: 9 }),
    /"field-add".*"timeoutMs"; its options are "workgroups", "threads"/,
  ],
  [
    "replay",
    async (gpu) => (await record(gpu)).replay({}, { workgroups: 1 } as never),
    /The replay of sequence "sequence" takes no option "workgroups"/,
  ],
  [
    "tune",
    (gpu) => gpu.tune(saxpy, { alpha: 1, x: a, y: output(Float32Array, 64) as never }, { timeoutMs: 1 } as never),
    /The tuning of kernel "saxpy" takes no option "timeoutMs"; its options are "signal"/,
  ],
  ["array", (gpu) => gpu.array(a, { recoverible: true } as never), /"recoverible"; did you mean "recoverable"\?/],
  [
    "array",
    (gpu) => gpu.array(Float32Array, 4, { recoverable: true } as never),
    /"recoverable"; its options are "label"/,
  ],
  ["array", (gpu) => gpu.array(a, 4 as never), /array takes its options as an object; got 4/],
  [
    "read",
    async (gpu) => (await gpu.array(a)).read({ end: 4 } as never),
    /"end"; its options are "start", "length", "into"/,
  ],
  [
    "lease",
    async (gpu) => (await gpu.array(a)).lease({ into: a } as never),
    /"into"; its options are "start", "length"/,
  ],
  [
    "copyFrom",
    async (gpu) => (await gpu.array(a)).copyFrom(await gpu.array(b), { form: 4 } as never),
    /The copy into a resident Float32Array of 64 takes no option "form"/,
  ],
  [
    "use",
    async (gpu) => (await gpu.array(a)).use(() => undefined, { acess: "read" } as never),
    /"acess"; did you mean "access"\?/,
  ],
  ["adopt", (gpu) => gpu.adopt({} as never, Float32Array, { lenght: 4 } as never), /"lenght"; did you mean "length"\?/],
])("%s refuses an option that it does not have (%#)", (_, call, words) =>
  usingBackend(async (gpu) => {
    await expectError(async () => call(gpu), "invalid-option", words);
    expect(gpu.stats().queue).toEqual({ waiting: 0, inFlight: 0 });
  }),
);

it("a replay refuses values that are not an object", () =>
  usingBackend(async (gpu) => {
    const sequence = await record(gpu);
    await expectError(sequence.replay(null as never), "invalid-binding", /"sequence" takes an object of parameters/);
  }));
