/** Runs on the software GPU, which the command finds beside itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { createProject, type Project, readModule, scale } from "../project.test-support.js";

/** Copies `x` to `y` in the element type given. */
const copy = (type: string) => `
@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = x[id.x]; }
}`;

const shaders = {
  "scale.wgsl": scale,
  "f32.wgsl": copy("f32"),
  "i32.wgsl": copy("i32"),
  "u32.wgsl": copy("u32"),
  "vec4.wgsl": copy("vec4f"),
};

async function resultsOf(project: Project, ...args: string[]): Promise<{ [name: string]: unknown[] }> {
  const { code, output, errors } = await project.run("run", ...args, "--software", "--json");
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  const { results } = JSON.parse(output) as { results: { [name: string]: { data: unknown[] } } };
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
}

it("prints the device, then each result", async () => {
  const project = await createProject(shaders);
  const values = ["--params", '{"factor":2,"count":3}', "--x", "1,2,-3", "--y", "f32:3"];
  expect(await project.run("run", "scale.wgsl", ...values, "--software")).toEqual({
    code: 0,
    output: expect.stringMatching(
      /^On .*SwiftShader.*, a software GPU: the CPU computes\.\ny: 3 x f32\n {3}0 {3}2 {3}4 {2}-6\n$/,
    ),
    errors: "",
  });
});

it("takes numbers, ramps, random numbers, equal numbers and the lengths of others", async () => {
  const project = await createProject(shaders);
  const y = async (file: string, x: string) => (await resultsOf(project, file, `--x=${x}`, "--y", "f32:x")).y;
  expect(await y("f32.wgsl", "-1,0.5,1e3,NaN,-Infinity,0x10")).toEqual([-1, 0.5, 1000, "NaN", "-Infinity", 16]);
  expect(await y("f32.wgsl", "ramp:3")).toEqual([0, 1, 2]);
  expect(await y("f32.wgsl", "ramp:3:-1:0.5")).toEqual([-1, -0.5, 0]);
  expect(await y("f32.wgsl", "zeros:2")).toEqual([0, 0]);
  expect(await y("f32.wgsl", "fill:2:7")).toEqual([7, 7]);
  expect(await y("f32.wgsl", "[[1,2],[3,4]]")).toEqual([1, 2, 3, 4]);
  const random = await y("f32.wgsl", "random:100:5:-2:2");
  expect(await y("f32.wgsl", "random:100:5:-2:2")).toEqual(random);
  expect(await y("f32.wgsl", "random:100:6:-2:2")).not.toEqual(random);
  expect(random!.every((value) => (value as number) >= -2 && (value as number) < 2)).toBe(true);
  const whole = (await resultsOf(project, "u32.wgsl", "--x", "random:100", "--y", "u32:x")).y as number[];
  expect(whole.every((value) => Number.isInteger(value) && value < 100)).toBe(true);
  expect(new Set(whole).size).toBeGreaterThan(20);
  const members = ["--params.factor", "-2", "--params.count", "length:x", "--x", "1,2,3", "--y", "1,1,1"];
  expect(await resultsOf(project, "scale.wgsl", ...members)).toEqual({ y: [-2, -4, -6] });
});

/** What NumPy saves for `np.array(numbers, dtype)`. */
function saved(type: string, shape: string, data: ArrayBufferView): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(`${header}\n`),
    new Uint8Array(data.buffer),
  ]);
}

it("reads and writes .npy files and bytes", async () => {
  const grid = Float64Array.of(1, 2, 3, 4);
  const project = await createProject({
    ...shaders,
    "grid.npy": saved("<f8", "(2, 2)", grid),
    "halves.npy": saved("<f2", "(3,)", Uint16Array.of(0x3c00, 0xc000, 0x3555)),
    "bytes.raw": new Uint8Array(Float32Array.of(5, 6).buffer),
    "fractions.npy": saved("<f4", "(2,)", Float32Array.of(1, 1.5)),
    "short.npy": saved("<f4", "(3,)", Float32Array.of(1, 2)),
  });
  const y = async (...args: string[]) => (await resultsOf(project, ...args)).y;
  expect(await y("f32.wgsl", "--x", "grid.npy", "--y", "f32:x", "--out", "y.npy")).toEqual([1, 2, 3, 4]);
  expect(await y("f32.wgsl", "--x", "halves.npy", "--y", "f32:x")).toEqual([1, -2, Math.fround(0.333251953125)]);
  expect(await y("i32.wgsl", "--x", "grid.npy", "--y", "i32:x", "--out", "y=y.raw")).toEqual([1, 2, 3, 4]);
  expect(await y("f32.wgsl", "--x", "bytes.raw", "--y", "f32:x")).toEqual([5, 6]);
  expect(await y("f32.wgsl", "--x", "y.npy", "--y", "f32:x")).toEqual([1, 2, 3, 4]);
  expect(await y("i32.wgsl", "--x", "y.raw", "--y", "i32:x")).toEqual([1, 2, 3, 4]);
  await y("vec4.wgsl", "--x", "ramp:8", "--y", "f32:x", "--out", "vectors.npy");
  const text = await project.read("vectors.npy");
  expect(text).toContain("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }");
  for (const [file, problem] of [
    ["fractions.npy", "--x: an array of i32 takes whole numbers from -2147483648 to 2147483647; element 1 is 1.5."],
    ["short.npy", "--x: the file must have 140 bytes for its shape (3); it has 136."],
  ] as const) {
    const refused = await project.run("run", "i32.wgsl", "--x", file, "--y", "i32:x");
    expect(refused).toEqual({ code: 2, output: "", errors: `${problem}\n` });
  }
});

it("reads and writes images as words, colors and grey", async () => {
  const image = new PNG({ width: 2, height: 3 });
  image.data.set(Array.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : 10 * i)));
  const project = await createProject({ ...shaders, "in.png": PNG.sync.write(image) });
  const reread = async (file: string) => PNG.sync.read(await readFile(join(project.folder, file)));
  const words = await resultsOf(project, "u32.wgsl", "--x", "in.png", "--y", "u32:x", "--out", "words.png");
  expect(words.y).toEqual([...new Uint32Array(new Uint8Array(image.data).buffer)]);
  expect((await reread("words.png")).data).toEqual(image.data);
  const colors = await resultsOf(project, "vec4.wgsl", "--x", "in.png", "--y", "f32:x", "--out", "colors.png");
  expect(colors.y![1]).toBe(Math.fround(10 / 255));
  const copied = await reread("colors.png");
  expect([copied.width, copied.height, copied.data]).toEqual([2, 3, image.data]);
  const grey = await resultsOf(project, "f32.wgsl", "--x", "in.png", "--y", "f32:x", "--out", "grey.png");
  expect(grey.y).toHaveLength(6);
  expect([...(await reread("grey.png")).data.subarray(0, 4)]).toEqual([9, 9, 9, 255]);
  const sized = ["--x", "0,0.5,1,2", "--y", "f32:x", "--out", "line.png", "--size", "4x1"];
  await resultsOf(project, "f32.wgsl", ...sized);
  expect([...(await reread("line.png")).data]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, ...new Array(8).fill(255)]);
});

it("runs an entry point of SPIR-V, with constants, threads and workgroups", async () => {
  const project = await createProject({
    "entries.spv": await readModule("entry-points.naga.spv"),
    "fill.wgsl": `override step: u32;
      override isOn = false;
      @group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(2) fn main(@builtin(global_invocation_id) id: vec3u) {
        y[id.x] = select(0, step * (id.x + 1), isOn);
      }`,
  });
  const doubled = await resultsOf(project, "entries.spv", "--entry", "second", "--0/0", "u32:8");
  expect(doubled).toEqual({ "0/0": [0, 2, 4, 6, 8, 10, 12, 14] });
  const constants = ["--constant", "step=3", "--constant", "isOn=true"];
  const fill = async (...args: string[]) =>
    (await resultsOf(project, "fill.wgsl", ...constants, "--y", "u32:6", ...args)).y;
  expect(await fill()).toEqual([3, 6, 9, 12, 15, 18]);
  expect(await fill("--threads", "3")).toEqual([3, 6, 9, 12, 0, 0]);
  expect(await fill("--workgroups", "1,1")).toEqual([3, 6, 0, 0, 0, 0]);
});

it("prints the beginning of a long result, and its range", async () => {
  const project = await createProject(shaders);
  const run = (...args: string[]) => project.run("run", "f32.wgsl", "--y", "f32:x", "--software", ...args);
  const { output } = await run("--x", "ramp:1000:0:0.25", "--show", "3");
  expect(output.split("\n").slice(1)).toEqual([
    "y: 1000 x f32",
    "   0     0  0.25   0.5",
    "      and 997 more; least 0, most 249.75, mean 124.875",
    "",
  ]);
  const { output: withNan } = await run("--x", "1,NaN,0.1", "--show", "0");
  expect(withNan).toContain("and 3 more; least 0.1, most 1, mean 0.55, 1 NaN");
});

it("times the first run and warm ones", async () => {
  const project = await createProject(shaders);
  const args = ["run", "f32.wgsl", "--x", "1,2", "--y", "f32:x", "--software", "--time", "--repeat", "4"];
  const { output } = await project.run(...args);
  expect(output).toMatch(/\nopen +\d+\.\d{3} ms .*\nfirst +\d+\.\d{3} ms .*\nwarm +\d+\.\d{3} ms {2}median of [34]; /);
  const { times } = JSON.parse((await project.run(...args, "--json")).output);
  expect(Object.keys(times).slice(0, 3)).toEqual(["openMs", "firstMs", "warm"]);
});

it.each([
  [[], 'The shader comes first: kiln run FILE --NAME VALUE...; got "".'],
  [["--x", "1"], 'The shader comes first: kiln run FILE --NAME VALUE...; got "--x".'],
  [["absent.wgsl"], "FILE must be a file that can be read: ENOENT"],
  [["f32.txt"], 'FILE must end in .wgsl or .spv; got "f32.txt".'],
  [["f32.wgsl", "--z", "1"], 'There is no option or binding "--z"; the shader\'s bindings are: --x, --y.'],
  [["f32.wgsl", "--x", "1"], "--y is missing: array<f32>, storage to write. For example: --y f32:64"],
  [["scale.wgsl"], '--params is missing: Params, uniform. For example: --params \'{"factor":1,"count":1}\''],
  [["scale.wgsl", "--params.factor", "1", "--x", "1", "--y", "f32:1"], "--params.count is missing: it is u32."],
  [["f32.wgsl", "--x", "f32:3", "--y", "f32:3"], "--x must be an input, array<f32>, storage to read; got a result."],
  [
    ["f32.wgsl", "--x", "1,2", "--y", "f32:z"],
    'the length must be that of a binding with an array; there is x, and "z"',
  ],
  [["f32.wgsl", "--x", "1,two", "--y", "f32:x"], '--x: "1,two" is no value and no file (ENOENT'],
  [["f32.wgsl", "--x", "ramp:1:2:3:4", "--y", "f32:x"], '--x must be ramp:N:START:STEP; got "ramp:1:2:3:4".'],
  [["f32.wgsl", "--x", "[1", "--y", "f32:x"], '--x must be JSON if it begins with "[": '],
  [["u32.wgsl", "--x", "-1", "--y", "u32:x"], "takes whole numbers from 0 to 4294967295; element 0 is -1."],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "--out", "a.png"], "the size of the image is not known"],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "--out", "z=a.npy"], 'the results are y, and "z=a.npy" was given.'],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "--out", "no/a.npy"], "--out must be a file that can be written: ENOENT"],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "--size", "3"], '--size must be WIDTHxHEIGHT, as in 640x480; got "3".'],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "--threads", "0"], "--threads must be one to three whole numbers"],
  [["f32.wgsl", "--x", "1", "--x", "2", "--y", "f32:x"], "--x is given 2 times."],
  [["f32.wgsl", "--entry", "other"], '--entry must be one of main; got "other".'],
  [["f32.wgsl", "--x", "1", "--y", "f32:x", "1"], 'After FILE each value has the name of its binding; got "1".'],
  [
    ["f32.wgsl", "--x", "1", "--y", "f32:x", "--constant", "n=one"],
    '--constant n must be a number, true or false; got "one".',
  ],
])("refuses %j", async (args, problem) => {
  const project = await createProject(shaders);
  const { code, errors } = await project.run("run", ...args);
  expect(errors).toContain(problem);
  expect(code).toBe(2);
});

it("exits with 1 and the device's words if the shader does not compile", async () => {
  const project = await createProject({ "wrong.wgsl": scale.replace("params.factor *", "params.count *") });
  const values = ["--params.factor", "1", "--params.count", "1", "--x", "1", "--y", "f32:1", "--software"];
  const { code, errors } = await project.run("run", "wrong.wgsl", ...values);
  expect(errors).toContain("wrong.wgsl:6:40: ");
  expect(code).toBe(1);
});
