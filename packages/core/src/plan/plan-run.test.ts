import { describe, expect, test } from "vitest";
import { bindingRole } from "../bindings/binding-role.js";
import { type Bindings, bytes, inout, lease, output, type Temporary, temporary } from "../bindings/bindings.js";
import type { Threads, Workgroups } from "../kernel/dispatch-size.js";
import { defineKernel, type Pass } from "../kernel/kernel.js";
import type { ShaderInterface } from "../shader/shader-interface.js";
import { planRun } from "./plan-run.js";
import type { RunPlan } from "./run-plan.js";
import {
  array,
  defaultLimits,
  f16,
  f32,
  reads,
  shaderOf,
  struct,
  u32,
  uniform,
  vector,
  writes,
} from "./shader-interface.test-support.js";

const wgsl = "@compute @workgroup_size(64) fn main() {}";
const limits = { ...defaultLimits, maxComputeWorkgroupsPerDimension: 100 };

/** Plans a kernel of one pass. */
function plan(shader: ShaderInterface, bindings: object, options: { workgroups?: Workgroups; threads?: Threads } = {}) {
  const { threads } = options;
  const kernel = defineKernel({ label: "k", wgsl, ...(threads !== undefined && { threads: () => threads }) });
  return planRun({
    kernel,
    interfaces: { main: shader },
    bindings: bindings as Bindings,
    ...(options.workgroups !== undefined && { size: { workgroups: options.workgroups } }),
    limits,
  });
}

/** Plans a kernel of several passes. */
function planPasses(
  interfaces: { readonly [program: string]: ShaderInterface },
  passes: readonly Pass[],
  bindings: Bindings,
  temporaries: { readonly [name: string]: Temporary } = {},
  workgroups?: Workgroups,
): RunPlan {
  const programs = Object.fromEntries(Object.keys(interfaces).map((name) => [name, { wgsl }]));
  const kernel = defineKernel({ label: "k", programs, passes: () => passes, temporaries: () => temporaries });
  return planRun({ kernel, interfaces, bindings, ...(workgroups !== undefined && { size: { workgroups } }), limits });
}

/** The names that a plan's dispatches bind, by dispatch. */
const boundNames = ({ dispatches, resources }: RunPlan) =>
  dispatches.map(({ entries }) => entries.map(({ resource }) => resources[resource]!.name));

const refusal = (code: string, message: string) => expect.objectContaining({ name: "ComputeError", code, message });

const advice =
  "Ask for a result with `output(Type, length)`, `lease(Type, length)` or `inout(data)`, or bind a resident array.";
const a = new Float32Array([1, 2, 3]);
const b = new Float32Array([4, 5, 6]);
const add = shaderOf([reads("a"), reads("b"), writes("c")]);

describe("one pass", () => {
  test("binds by name, in the shader's order, whatever the order given", () => {
    const planned = plan(add, { c: output(Float32Array, 3), b, a });
    expect(planned).toEqual({
      label: "k",
      isEmpty: false,
      bound: new Map([
        ["a", 0],
        ["b", 1],
        ["c", 2],
      ]),
      shape: {},
      resources: [
        { name: "a", byteLength: 12, access: "read", data: a },
        { name: "b", byteLength: 12, access: "read", data: b },
        { name: "c", byteLength: 12, access: "read-write", result: { type: Float32Array, length: 3 } },
      ],
      dispatches: [
        {
          program: "main",
          split: false,
          immediate: false,
          entries: [
            { group: 0, binding: 0, resource: 0 },
            { group: 0, binding: 1, resource: 1 },
            { group: 0, binding: 2, resource: 2 },
          ],
          workgroups: [1, 1, 1],
        },
      ],
    });
  });

  test("takes names that no identifier could be", () => {
    const planned = plan(shaderOf([reads("0/0"), writes("0/1")]), { "0/0": a, "0/1": output(Float32Array, 3) });
    expect(planned.resources.map(({ name }) => name)).toEqual(["0/0", "0/1"]);
  });

  test("keeps groups and bindings as the shader has them", () => {
    const shader = shaderOf([reads("a"), writes("c")]);
    const bindings = [
      { ...shader.bindings[0]!, group: 0, binding: 7 },
      { ...shader.bindings[1]!, group: 3, binding: 2 },
    ];
    expect(plan({ ...shader, bindings }, { a, c: output(Float32Array, 1) }).dispatches[0]!.entries).toEqual([
      { group: 0, binding: 7, resource: 0 },
      { group: 3, binding: 2, resource: 1 },
    ]);
  });

  test("an inout is uploaded and returned", () => {
    const planned = plan(shaderOf([writes("y")]), { y: inout(a) });
    expect(planned.resources).toEqual([
      { name: "y", byteLength: 12, access: "read-write", data: a, result: { type: Float32Array, length: 3 } },
    ]);
  });

  test("a bare array that the shader writes is uploaded and not returned", () => {
    const planned = plan(shaderOf([writes("work"), writes("c")]), { work: a, c: output(Float32Array, 3) });
    expect(planned.resources[0]).toEqual({ name: "work", byteLength: 12, access: "read-write", data: a });
  });

  test("a result keeps the type and length asked for where its bytes are padded", () => {
    const planned = plan(shaderOf([writes("c", array(f16, 2, 3))]), { c: output(Uint16Array, 3) }, { workgroups: 1 });
    expect(planned.resources[0]).toMatchObject({ byteLength: 8, result: { type: Uint16Array, length: 3 } });
  });

  test("bytes stand for any type where they are said to be bytes, a Buffer's too", () => {
    const given = Buffer.from(new Uint8Array(12));
    const shader = shaderOf([reads("a"), writes("y"), writes("c")]);
    const bindings = { a: bytes(given), y: inout(bytes(new Uint8Array(16))), c: output(Uint8Array, 16) };
    const planned = plan(shader, bindings);
    expect(planned.resources.map(({ byteLength }) => byteLength)).toEqual([12, 16, 16]);
    expect((planned.resources[0]!.data as Uint8Array).buffer).toBe(given.buffer);
    for (const [name, value] of Object.entries({ a: given, y: inout(new Uint8Array(16)) })) {
      const message = expect.stringContaining(
        `declares "${name}" as array<f32>, which takes a Float32Array; got a Uint8Array`,
      );
      expect(() => plan(shader, { ...bindings, [name]: value })).toThrow(expect.objectContaining({ message }));
    }
  });

  test("values are packed into uniforms", () => {
    const params = struct("Params", 16, [
      { name: "count", offset: 0, layout: u32 },
      { name: "scale", offset: 4, layout: f32 },
    ]);
    const shader = shaderOf([
      uniform("alpha", f32),
      uniform("params", params),
      reads("v", vector(f32, 2)),
      writes("c"),
    ]);
    const planned = plan(shader, { alpha: 2, params: { scale: 1, count: 3 }, v: [1, 2], c: output(Float32Array, 1) });
    expect(planned.resources.slice(0, 3)).toEqual([
      { name: "alpha", byteLength: 4, access: "read", packedAs: f32, data: new Uint8Array([0, 0, 0, 0x40]) },
      {
        name: "params",
        byteLength: 16,
        access: "read",
        packedAs: params,
        data: new Uint8Array([3, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0]),
      },
      {
        name: "v",
        byteLength: 8,
        access: "read",
        packedAs: vector(f32, 2),
        data: new Uint8Array([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]),
      },
    ]);
  });

  test("a uniform may be given as a typed array", () => {
    const data = new Float32Array([1, 2, 3, 4]);
    const shader = shaderOf([uniform("v", vector(f32, 4)), writes("c")]);
    expect(plan(shader, { v: data, c: output(Float32Array, 1) }).resources[0]).toEqual({
      name: "v",
      byteLength: 16,
      access: "read",
      data,
    });
  });

  test.each<[string, object, string]>([
    ["b missing", { a, c: output(Float32Array, 3) }, 'Kernel "k" binds "b", which is missing; "a", "c" are given.'],
    ["one given", { c: output(Float32Array, 3) }, 'Kernel "k" binds "a", which is missing; "c" is given.'],
    [
      "b undefined",
      { a, b: undefined, c: output(Float32Array, 3) },
      'Kernel "k" binds "b", which is missing; "a", "c" are given.',
    ],
    [
      "b misspelt",
      { a, B: b, c: output(Float32Array, 3) },
      'Kernel "k" binds "b", which is missing; "a", "B", "c" are given.',
    ],
    [
      "one too many",
      { a, b, c: output(Float32Array, 3), d: 1 },
      'Kernel "k" has no binding "d"; it binds "a", "b", "c".',
    ],
    [
      "an output that nothing binds",
      { a, b, c: output(Float32Array, 3), d: output(Float32Array, 3) },
      'Kernel "k" has no binding "d"; it binds "a", "b", "c".',
    ],
    [
      "an input in the place of all results",
      { a, b, c: a },
      `Kernel "k" returns nothing: "c" is given a Float32Array. ${advice}`,
    ],
    ["a value in the place of all results", { a, b, c: 3 }, `Kernel "k" returns nothing: "c" is given 3. ${advice}`],
    [
      "a text in the place of all results",
      { a, b, c: "x".repeat(1_000_000) },
      `Kernel "k" returns nothing: "c" is given "${"x".repeat(40)}…" (a string of 1000000 characters). ${advice}`,
    ],
    ["no bindings", {}, `Kernel "k" returns nothing: "c" is missing. ${advice}`],
    [
      "an input of another type",
      { a: new Int32Array(3), b, c: output(Float32Array, 3) },
      'Kernel "k" declares "a" as array<f32>, which takes a Float32Array; got an Int32Array.',
    ],
    [
      "an output of another type",
      { a, b, c: output(Uint32Array, 3) },
      'Kernel "k" declares "c" as array<f32>, which takes a Float32Array; got a Uint32Array.',
    ],
    [
      "an inout of another type",
      { a, b, c: inout(new Float64Array(3)) },
      'Kernel "k" declares "c" as array<f32>, which takes a Float32Array; got a Float64Array.',
    ],
    [
      "a number for an array",
      { a: 1, b, c: output(Float32Array, 3) },
      'Kernel "k" declares "a" as array<f32>, which takes a typed array; got 1.',
    ],
    [
      "numbers for an array",
      { a: [1, 2], b, c: output(Float32Array, 3) },
      'Kernel "k" declares "a" as array<f32>, which takes a typed array; got an array of 2. Give it as new Float32Array([...]).',
    ],
    [
      "an object for an array",
      { a: { x: 1 }, b, c: output(Float32Array, 3) },
      'Kernel "k" declares "a" as array<f32>, which takes a typed array; got an object.',
    ],
    [
      "nothing at all for an array",
      { a: null, b, c: output(Float32Array, 3) },
      'Kernel "k" declares "a" as array<f32>; got null.',
    ],
  ])("refuses %s", (_, bindings, message) => {
    expect(() => plan(add, bindings)).toThrow(refusal("invalid-binding", message));
  });

  test.each<[string, object]>([
    ["an output", output(Float32Array, 1)],
    ["an inout", inout(new Float32Array(1))],
  ])("refuses %s for a uniform", (word, value) => {
    const shader = shaderOf([uniform("alpha", f32), writes("c")]);
    expect(() => plan(shader, { alpha: value, c: output(Float32Array, 3) })).toThrow(
      refusal(
        "invalid-binding",
        `Kernel "k" declares "alpha" as a uniform, which it only reads; bind a value, not ${word}.`,
      ),
    );
  });

  test("names the value that does not fit its uniform", () => {
    const shader = shaderOf([uniform("count", u32), writes("c")]);
    expect(() => plan(shader, { count: -1, c: output(Float32Array, 3) })).toThrow(
      refusal("invalid-binding", 'Kernel "k": "count" is u32 in the shader; got -1.'),
    );
  });

  test("refuses what the device cannot bind", () => {
    const most = limits.maxStorageBufferBindingSize;
    expect(() => plan(shaderOf([writes("c")]), { c: output(Float32Array, most / 4 + 1) })).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: expect.stringContaining(`"c" with ${most + 4} bytes`),
      }),
    );
  });
});

describe("no elements", () => {
  test("every result empty is a plan of nothing, with the results' types", () => {
    const planned = plan(add, { a, b: new Float32Array(0), c: output(Uint8Array, 0), d: inout(new Int32Array(0)) });
    expect(planned).toEqual({
      label: "k",
      isEmpty: true,
      bound: new Map(),
      shape: {},
      dispatches: [],
      resources: [
        { name: "c", byteLength: 0, access: "read-write", result: { type: Uint8Array, length: 0 } },
        { name: "d", byteLength: 0, access: "read-write", result: { type: Int32Array, length: 0 } },
      ],
    });
  });

  test("an empty input beside results is refused", () => {
    expect(() => plan(add, { a, b: new Float32Array(0), c: output(Float32Array, 3) })).toThrow(
      refusal("invalid-binding", 'Kernel "k" is given "b" with no elements; WebGPU binds at least 4 bytes.'),
    );
  });
});

describe("the size of a dispatch", () => {
  const workgroupsOf = ({ dispatches }: RunPlan) => dispatches.map(({ workgroups }) => workgroups);

  test("is by default a thread for each element of the outputs", () => {
    const shader = shaderOf([reads("a"), writes("c"), writes("d")]);
    const bindings = { a, c: output(Float32Array, 129), d: output(Float32Array, 129) };
    expect(workgroupsOf(plan(shader, bindings))).toEqual([[3, 1, 1]]);
  });

  test("must be said where the outputs have different numbers of elements", () => {
    const shader = shaderOf([reads("a"), writes("c"), writes("d", array(vector(f32, 4), 16))]);
    const bindings = { a, c: output(Float32Array, 64), d: output(Float32Array, 4 * 65) };
    expect(() => plan(shader, bindings)).toThrow(
      refusal(
        "invalid-kernel",
        'Kernel "k" writes "c" of 64 elements and "d" of 65, so it must say how many threads run: ' +
          "`threads: ({ d }) => d.length / 4` in its definition, or `{ threads: 65 }` as an option of this run.",
      ),
    );
    expect(workgroupsOf(plan(shader, { ...bindings, d: output(Float32Array, 4 * 64) }))).toEqual([[1, 1, 1]]);
    expect(workgroupsOf(plan(shader, bindings, { threads: 65 }))).toEqual([[2, 1, 1]]);
  });

  test("counts the arrays among the outputs, not a single value", () => {
    const shader = shaderOf([writes("total", f32), writes("c")]);
    expect(workgroupsOf(plan(shader, { total: output(Float32Array, 1), c: output(Float32Array, 65) }))).toEqual([
      [2, 1, 1],
    ]);
  });

  test("counts the shader's elements, not those of the array given", () => {
    const shader = shaderOf([writes("c", array(vector(f32, 4), 16))]);
    expect(workgroupsOf(plan(shader, { c: output(Float32Array, 4 * 65) }))).toEqual([[2, 1, 1]]);
    expect(workgroupsOf(plan(shader, { c: output(Uint8Array, 16 * 65) }))).toEqual([[2, 1, 1]]);
  });

  test("counts the elements after a header", () => {
    const layout = struct("S", 8, [
      { name: "count", offset: 0, layout: f32 },
      { name: "values", offset: 8, layout: array(vector(f32, 2), 8) },
    ]);
    expect(workgroupsOf(plan(shaderOf([writes("c", layout)]), { c: output(Float32Array, 2 + 2 * 64) }))).toEqual([
      [1, 1, 1],
    ]);
    expect(workgroupsOf(plan(shaderOf([writes("c", layout)]), { c: output(Float32Array, 2 + 2 * 65) }))).toEqual([
      [2, 1, 1],
    ]);
  });

  test("counts the elements of an array of fixed length", () => {
    const shader = shaderOf([writes("c", array(f32, 4, 70))]);
    expect(workgroupsOf(plan(shader, { c: output(Float32Array, 70) }))).toEqual([[2, 1, 1]]);
  });

  test("skips an input that the shader may write: it is no output", () => {
    const shader = shaderOf([writes("work"), writes("c")]);
    const bindings = { work: new Float32Array(1000), c: output(Float32Array, 64) };
    expect(workgroupsOf(plan(shader, bindings))).toEqual([[1, 1, 1]]);
  });

  test("must be said where no output has elements to count", () => {
    expect(() => plan(shaderOf([writes("c", vector(f32, 4))]), { c: output(Float32Array, 4) })).toThrow(
      expect.objectContaining({ code: "invalid-kernel", message: expect.stringContaining("`threads`") }),
    );
  });

  test("is what the kernel says, and before that what the run says", () => {
    const bindings = { a, b, c: output(Float32Array, 3) };
    expect(workgroupsOf(plan(add, bindings, { threads: [65, 2] }))).toEqual([[2, 2, 1]]);
    expect(workgroupsOf(plan(add, bindings, { threads: [65, 2], workgroups: [7, 8, 9] }))).toEqual([[7, 8, 9]]);
    expect(workgroupsOf(plan(add, bindings, { workgroups: 5 }))).toEqual([[5, 1, 1]]);
  });

  test("of nothing dispatches nothing, and the result stays zeros", () => {
    const planned = plan(add, { a, b, c: output(Float32Array, 3) }, { workgroups: 0 });
    expect(planned.dispatches).toEqual([]);
    expect(planned.isEmpty).toBe(false);
    expect(planned.resources.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("above the limit is split, and each part reads its place from a uniform", () => {
    const shader = { ...add, splittable: { group: 0, binding: 9 } };
    const planned = plan(shader, { a, b, c: output(Float32Array, 3) }, { workgroups: [150, 2] });
    const parts = planned.dispatches.map(({ split, workgroups, entries }) => ({
      split,
      workgroups,
      entry: { ...entries.at(-1)!, resource: undefined },
      grid: planned.resources[entries.at(-1)!.resource],
    }));
    const entry = { group: 0, binding: 9, resource: undefined };
    const grid = (...data: number[]) => ({
      name: "grid",
      byteLength: 32,
      access: "read",
      data: new Uint32Array(data),
    });
    expect(parts).toEqual([
      { split: true, workgroups: [100, 2, 1], entry, grid: grid(0, 0, 0, 0, 150, 2, 1, 0) },
      { split: true, workgroups: [50, 2, 1], entry, grid: grid(100, 0, 0, 0, 150, 2, 1, 0) },
    ]);
    expect(planned.dispatches.map(({ entries }) => entries.length)).toEqual([4, 4]);
  });

  test("above the limit is refused where a split would show", () => {
    const shader = { ...add, splittable: "it waits for all" };
    expect(() => plan(shader, { a, b, c: output(Float32Array, 3) }, { workgroups: 101 })).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: expect.stringContaining("because it waits for all."),
      }),
    );
  });
});

describe("one resource under two names in a pass", () => {
  const pass = (bindings: Pass["bindings"]): Pass[] => [{ program: "main", bindings: bindings! }];

  test("may be read twice", () => {
    const planned = planPasses({ main: add }, pass({ b: "a" }), { a, c: output(Float32Array, 3) });
    expect(boundNames(planned)).toEqual([["a", "a", "c"]]);
    expect(planned.resources).toHaveLength(2);
  });

  test("may be one array given twice, which is two resources", () => {
    const planned = plan(add, { a, b: a, c: output(Float32Array, 3) });
    expect(boundNames(planned)).toEqual([["a", "b", "c"]]);
  });

  test.each<[string, ShaderInterface, Pass["bindings"], string]>([
    ["read and then written", add, { a: "c" }, '"c", an output, as "a" and as "c"'],
    ["written and then read", shaderOf([writes("c"), reads("a")]), { a: "c" }, '"c", an output, as "c" and as "a"'],
    ["written twice", shaderOf([writes("c"), writes("d")]), { d: "c" }, '"c", an output, as "c" and as "d"'],
  ])("is refused where it is %s", (_, main, bindings, words) => {
    const given = main === add ? { b, c: output(Float32Array, 3) } : { c: output(Float32Array, 3) };
    expect(() => planPasses({ main }, pass(bindings), given)).toThrow(
      refusal(
        "invalid-kernel",
        `Kernel "k" binds ${words} in one pass and writes it; a pass can bind only once what it writes.`,
      ),
    );
  });
});

test.each([
  ["a resident array", undefined],
  ['the resident array "field"', "field"],
])("%s that is written and bound a second time is named", (words, label) => {
  const field = { [bindingRole]: "resident", type: Float32Array, length: 3, label };
  expect(() => plan(add, { a: field, b, c: field })).toThrow(
    refusal(
      "invalid-kernel",
      `Kernel "k" binds ${words} as "a" and as "c" in one pass and writes it; ` +
        "a pass can bind only once what it writes.",
    ),
  );
});

test("a run that returns nothing asks nothing of its kernel's passes, whose names may stand for others", () => {
  const passes = () => {
    throw new TypeError("Bindings like these were not expected.");
  };
  const kernel = defineKernel({ label: "k", programs: { step: { wgsl } }, passes });
  const interfaces = { step: shaderOf([reads("from"), writes("to")]) };
  expect(() => planRun({ kernel, interfaces, bindings: { x: a }, limits })).toThrow(
    refusal("invalid-binding", `Kernel "k" returns nothing. ${advice}`),
  );
});

describe("several passes", () => {
  const step = shaderOf([reads("from"), writes("to")]);
  const c = output(Float32Array, 3);

  test("refer to the run's bindings and temporaries, each one resource for all", () => {
    const planned = planPasses(
      { step },
      [
        { program: "step", bindings: { from: "a", to: "half" } },
        { program: "step", bindings: { from: "half", to: "c" } },
      ],
      { a, c },
      { half: temporary(Float32Array, 3) },
    );
    expect(boundNames(planned)).toEqual([
      ["a", "half"],
      ["half", "c"],
    ]);
    expect(planned.resources).toEqual([
      { name: "half", byteLength: 12, access: "mixed" },
      { name: "a", byteLength: 12, access: "read", data: a },
      { name: "c", byteLength: 12, access: "read-write", result: { type: Float32Array, length: 3 } },
    ]);
  });

  test("have each its own default size, also for a temporary", () => {
    const planned = planPasses(
      { step },
      [
        { program: "step", bindings: { from: "a", to: "half" } },
        { program: "step", bindings: { from: "half", to: "c" }, workgroups: [4, 4] },
        { program: "step", bindings: { from: "a", to: "c" }, threads: 65 },
      ],
      { a, c },
      { half: temporary(Float32Array, 129) },
    );
    expect(planned.dispatches.map(({ workgroups }) => workgroups)).toEqual([
      [3, 1, 1],
      [4, 4, 1],
      [2, 1, 1],
    ]);
  });

  test("a binding that one pass reads and another writes is mixed", () => {
    const planned = planPasses(
      { step, add },
      [
        { program: "step", bindings: { from: "a", to: "c" } },
        { program: "step", bindings: { from: "c", to: "d" } },
      ],
      { a, c, d: output(Float32Array, 3) },
    );
    expect(planned.resources.map(({ name, access }) => [name, access])).toEqual([
      ["a", "read"],
      ["c", "mixed"],
      ["d", "read-write"],
    ]);
  });

  test("so is what is uploaded, in either order", () => {
    const passes: Pass[] = [
      { program: "step", bindings: { from: "y", to: "c" } },
      { program: "step", bindings: { from: "c", to: "y" } },
    ];
    for (const order of [passes, [...passes].reverse()]) {
      const { resources } = planPasses({ step }, order, { y: inout(a), c });
      expect(resources.map(({ access }) => access)).toEqual(["mixed", "mixed"]);
    }
  });

  test("run for whole elements of a temporary that ends within one", () => {
    const pairs = shaderOf([writes("t", array(vector(f32, 2), 8)), writes("c")], { workgroupSize: [1, 1, 1] });
    const bindings = { c: output(Float32Array, 2) };
    const planned = planPasses({ pairs }, [{ program: "pairs" }], bindings, { t: temporary(Float32Array, 5) });
    expect(planned.dispatches[0]!.workgroups).toEqual([2, 1, 1]);
  });

  test("a temporary or output that is only read is zeros, apart from what is uploaded", () => {
    const planned = planPasses(
      { main: add },
      [{ program: "main", bindings: { b: "zeros" } }],
      { a, c },
      { zeros: temporary(Float32Array, 3) },
    );
    expect(planned.resources[0]).toEqual({ name: "zeros", byteLength: 12, access: "mixed" });
  });

  test("give uniforms values of their own", () => {
    const scale = shaderOf([uniform("alpha", f32), writes("c")]);
    const planned = planPasses(
      { scale },
      [
        { program: "scale", bindings: { alpha: 1 } },
        { program: "scale", bindings: { alpha: 2 } },
        { program: "scale" },
      ],
      { c, alpha: 3 },
    );
    const alphas = planned.dispatches.map(({ entries }) => planned.resources[entries[0]!.resource]!.data as Uint8Array);
    expect(alphas.map(({ buffer }) => new Float32Array(buffer)[0])).toEqual([1, 2, 3]);
  });

  test("share a uniform of the run's", () => {
    const scale = shaderOf([uniform("alpha", f32), writes("c")]);
    const planned = planPasses({ scale }, [{ program: "scale" }, { program: "scale" }], { c, alpha: 3 });
    expect(planned.resources.filter(({ name }) => name === "alpha")).toHaveLength(1);
  });

  test("keep the index of a temporary that none binds, with no memory", () => {
    const planned = planPasses(
      { step },
      [{ program: "step", bindings: { from: "a", to: "c" } }],
      { a, c },
      { unused: temporary(Float32Array, 1000) },
    );
    expect(planned.resources[0]).toEqual({ name: "unused", byteLength: 0, access: "read" });
    expect(boundNames(planned)).toEqual([["a", "c"]]);
  });

  test("see each other's bindings of one name as one", () => {
    const first = shaderOf([reads("a"), writes("c")]);
    const planned = planPasses({ first, add }, [{ program: "first" }, { program: "add" }], { a, b, c });
    expect(boundNames(planned)).toEqual([
      ["a", "c"],
      ["a", "b", "c"],
    ]);
    expect(planned.resources).toHaveLength(3);
  });

  test.each<[string, string, Parameters<typeof planPasses>, string]>([
    [
      "a program that is none",
      "invalid-kernel",
      [{ step, add }, [{ program: "stpe" }], { a, c }],
      'Kernel "k" has no program "stpe"; it has "step", "add".',
    ],
    [
      "no pass",
      "invalid-kernel",
      [{ step }, [], { a, c }],
      'Kernel "k" has no passes for these bindings; it needs at least one.',
    ],
    [
      "a reference to nothing",
      "invalid-binding",
      [{ step }, [{ program: "step", bindings: { from: "x", to: "c" } }], { a, c }],
      'Kernel "k" binds "x", which is missing; "a", "c" are given.',
    ],
    [
      "a misspelt temporary",
      "invalid-binding",
      [
        { step },
        [{ program: "step", bindings: { from: "a", to: "tmp" } }],
        { a, c },
        { temp: temporary(Float32Array, 1), rest: temporary(Float32Array, 1) },
      ],
      'Kernel "k" binds "tmp", which is missing; "a", "c" are given, and its temporaries are "temp", "rest".',
    ],
    [
      "a temporary named as a binding",
      "invalid-kernel",
      [{ step }, [{ program: "step", bindings: { from: "a", to: "c" } }], { a, c }, { a: temporary(Float32Array, 1) }],
      'Kernel "k" has both a binding and a temporary named "a".',
    ],
    [
      "one size for several passes",
      "invalid-option",
      [{ add }, [{ program: "add" }, { program: "add" }], { a, b, c }, {}, 1],
      'Kernel "k" has 2 passes, each with its own size; `workgroups` is for kernels of one pass.',
    ],
    [
      "a temporary for a uniform",
      "invalid-binding",
      [
        { scale: shaderOf([uniform("alpha", f32), writes("c")]) },
        [{ program: "scale", bindings: { alpha: "t" } }],
        { c },
        { t: temporary(Float32Array, 1) },
      ],
      'Kernel "k" declares "alpha" as a uniform, which it only reads; bind a value, not a temporary.',
    ],
    [
      "a temporary that is too short",
      "invalid-binding",
      [
        { fixed: shaderOf([writes("t", array(f32, 4, 4)), writes("c")]) },
        [{ program: "fixed" }],
        { c },
        { t: temporary(Float32Array, 3) },
      ],
      'Kernel "k" declares "t" as array<f32, 4>, at least 16 bytes; "t" has 12.',
    ],
    [
      "a value of a pass that does not fit",
      "invalid-binding",
      [
        { scale: shaderOf([uniform("count", u32), writes("c")]) },
        [{ program: "scale", bindings: { count: 0.5 } }],
        { c },
      ],
      'Kernel "k": "count" is u32 in the shader; got 0.5.',
    ],
    [
      "an output that a pass names and no shader binds",
      "invalid-kernel",
      [
        { step },
        [{ program: "step", bindings: { from: "a", to: "c", other: "d" } }],
        { a, c, d: output(Float32Array, 3) },
      ],
      'Kernel "k" has a pass that binds "other", but program "step" binds only "from", "to".',
    ],
  ])("refuse %s", (_, code, args, message) => {
    expect(() => planPasses(...args)).toThrow(refusal(code, message));
  });
});

describe("results that have an array of the caller's", () => {
  const a = new Float32Array(3);
  const planInto = (c: Bindings["c"]) =>
    planRun({
      kernel: defineKernel({ label: "k", wgsl: " " }),
      interfaces: { main: shaderOf([reads("a"), writes("c")]) },
      bindings: { a, c: c! },
      limits,
    });

  test("carry it in the plan", () => {
    const into = new Float32Array(3);
    expect(planInto(output(Float32Array, 3, { into })).resources[1]!.result!.into).toBe(into);
    expect(planInto(inout(new Float32Array(3), { into })).resources[1]!.result!.into).toBe(into);
  });

  test.each([
    ["another length", output(Float32Array, 3, { into: new Float32Array(4) }), "`into` is a Float32Array of 4"],
    ["another type", inout(a, { into: new Int32Array(3) as unknown as Float32Array }), "`into` is an Int32Array of 3"],
    ["no array", output(Float32Array, 3, { into: 3 as unknown as Float32Array }), "`into` is 3"],
    ["null", output(Float32Array, 3, { into: null as unknown as Float32Array }), "`into` is null"],
  ])("refuse one of %s", (_, c, words) => {
    expect(() => planInto(c)).toThrow(
      refusal("invalid-binding", `Kernel "k" returns "c" as a Float32Array of 3; ${words}.`),
    );
  });

  test("of a Node Buffer come back as what it is, a Uint8Array", () => {
    expect(planInto(inout(bytes(Buffer.alloc(12)))).resources[1]!.result!.type).toBe(Uint8Array);
  });
});

test("a value that two programs declare differently is refused, not packed for one of them", () => {
  const first = shaderOf([uniform("n", f32), writes("c")]);
  const second = shaderOf([uniform("n", { kind: "scalar", scalar: "u32", byteLength: 4 }), writes("c")]);
  const kernel = defineKernel({
    label: "k",
    programs: { first: { wgsl: " " }, second: { wgsl: " " } },
    passes: () => [{ program: "first" }, { program: "second" }],
  });
  const bindings = { n: 1, c: output(Float32Array, 3) };
  expect(() => planRun({ kernel, interfaces: { first, second }, bindings, limits })).toThrow(
    refusal(
      "invalid-kernel",
      'Kernel "k" declares "n" as u32 in one program and as f32 in another; ' +
        "a value is packed for one type, so give each its own name.",
    ),
  );
});

describe("a binding that is declared and not used", () => {
  const place = { group: 0, binding: 9 };
  const unused = [
    { ...reads("x"), ...place },
    { ...uniform("factor", f32), ...place },
    { ...writes("z"), ...place },
  ];
  const shader = { ...add, unused };
  const c = output(Float32Array, 3);

  test("may be left out, or given, and then is nowhere", () => {
    expect(plan(shader, { a, b, c })).toEqual(plan(add, { a, b, c }));
    const given = plan(shader, { x: new Float32Array(1000), a, b, factor: 2, c, z: a });
    expect(boundNames(given)).toEqual([["a", "b", "c"]]);
    expect(given.resources.map(({ name, byteLength, data }) => [name, byteLength, data !== undefined])).toEqual([
      ["a", 12, true],
      ["b", 12, true],
      ["c", 12, false],
      ["x", 0, false],
      ["factor", 0, false],
      ["z", 0, false],
    ]);
  });

  test.each<[string, object, string]>([
    ["type", { x: new Int32Array(3) }, 'declares "x" as array<f32>, which takes a Float32Array'],
    ["length", { x: bytes(new Uint8Array(3)) }, 'declares "x" as array<f32>, whole elements of 4 bytes'],
    ["value", { factor: "2" }, '"factor" is f32'],
    ["name", { w: 3 }, 'has no binding "w"; it binds "a", "b", "c"'],
    [
      "output",
      { z: output(Float32Array, 3) },
      'declares "z" and does not use it, so nothing would be written to an output',
    ],
    ["inout", { z: inout(a) }, "nothing would be written to an inout; use it in the shader, or remove it from both."],
    ["lease", { x: lease(Float32Array, 3) }, "nothing would be written to a lease"],
  ])("is checked: its %s", (_, bindings, message) => {
    expect(() => plan(shader, { a, b, c, ...bindings })).toThrow(
      refusal("invalid-binding", expect.stringContaining(message)),
    );
  });

  test("is what another pass makes of it, where that uses it", () => {
    const uses = shaderOf([reads("x"), writes("c")]);
    const both = { first: shader, second: uses };
    const passes = [{ program: "first" }, { program: "second" }];
    const planned = planPasses(both, passes, { a, b, c, x: b });
    expect(boundNames(planned)).toEqual([
      ["a", "b", "c"],
      ["x", "c"],
    ]);
    expect(planned.resources[planned.bound.get("x")!]).toMatchObject({ byteLength: 12, data: b, access: "read" });
    const renamed = [{ program: "first", bindings: { x: "values", factor: "two" } }];
    expect(() => planPasses(both, renamed, { a, b, c, values: b })).not.toThrow();
    expect(() => planPasses(both, renamed, { a, b, c, values: new Int32Array(3) })).toThrow('declares "values"');
    expect(() => planPasses(both, [{ program: "first", bindings: { factor: [1, 2] } }], { a, b, c })).toThrow("factor");
  });
});

describe("immediates", () => {
  const vec4 = vector(f32, 4);
  const immediate = (layout = struct("P", 16, [{ name: "v", offset: 0, layout: vec4 }])) =>
    shaderOf([reads("a"), { ...uniform("p", layout), isImmediate: true }, writes("c")]);
  const c = output(Float32Array, 3);
  const setBytes = ({ dispatches, resources }: RunPlan) =>
    dispatches.map(({ immediate: isSet, immediates }) => (isSet ? resources[immediates!] : undefined));

  test("are set while the dispatch is recorded, out of bytes of the plan's own, and need no memory", () => {
    const given = new Float32Array([1, 2, 3, 4]);
    for (const p of [{ v: [1, 2, 3, 4] }, given]) {
      const planned = plan(immediate(), { a, p, c });
      expect(boundNames(planned)).toEqual([["a", "c"]]);
      const [set] = setBytes(planned);
      expect(set).toMatchObject({ name: "p", byteLength: 0, isImmediate: true });
      expect(set!.data).toEqual(new Uint8Array(given.slice().buffer));
      expect(set!.data!.buffer).not.toBe(given.buffer);
    }
    expect(() => plan(immediate(), { a, p: { v: [1] }, c })).toThrow("p.v");
    expect(() => plan(immediate(), { a, c })).toThrow('binds "p", which is missing');
  });

  test("are a buffer where they are too many, or another program binds them as one, too", () => {
    const large = immediate(struct("P", 80, [{ name: "v", offset: 0, layout: array(vec4, 16, 5) }]));
    const planned = plan(large, { a, p: new Float32Array(20), c });
    expect(boundNames(planned)).toEqual([["a", "p", "c"]]);
    expect(setBytes(planned)).toEqual([undefined]);
    const layout = struct("P", 16, [{ name: "v", offset: 0, layout: vec4 }]);
    const both = planPasses(
      { first: immediate(layout), second: shaderOf([uniform("p", layout), writes("c")]) },
      [{ program: "first" }, { program: "second" }],
      { a, p: { v: [1, 2, 3, 4] }, c },
    );
    expect(boundNames(both)).toEqual([
      ["a", "c"],
      ["p", "c"],
    ]);
    expect(setBytes(both)).toEqual([both.resources[both.bound.get("p")!], undefined]);
    expect(both.resources[both.bound.get("p")!]).toMatchObject({ byteLength: 16, access: "read" });
    const writing = { first: immediate(layout), second: shaderOf([writes("p"), writes("c")]) };
    expect(() =>
      planPasses(writing, [{ program: "first" }, { program: "second" }], { a, p: new Float32Array(4), c }),
    ).toThrow(refusal("invalid-kernel", expect.stringContaining('"p" as an immediate in one pass and writes it')));
  });
});
