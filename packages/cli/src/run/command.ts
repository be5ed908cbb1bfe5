import { basename } from "node:path";
import { styleText } from "node:util";
import {
  type Bindings,
  type BindingValue,
  type Constants,
  defineKernel,
  type Kernel,
  type RunOptions,
  type TypedArray,
} from "@kiln-gpu/core";
import { type BindingInfo, roleOf } from "@kiln-gpu/core/backend";
import type { LoadedProgram } from "@kiln-gpu/shader";
import { type Command, type GivenOptions, parseOptions } from "../command.js";
import { describeGpu, gpuOptionsHelp, openGpu } from "../open-gpu.js";
import type { Shader } from "../read-shader.js";
import { readShaderFile } from "../read-shader-file.js";
import { UsageError } from "../usage-error.js";
import { bindValues, valuePaths } from "./bind-values.js";
import { elementTypeOf } from "./elements.js";
import type { Size } from "./image.js";
import { valueForms } from "./read-value.js";
import { runOptionKinds as kinds } from "./run-option-kinds.js";
import { jsonNumbers, showResult } from "./show-result.js";
import { quantilesOf, type RunTimes, showTimes, timeRuns } from "./time-runs.js";
import { readOuts, writeResult } from "./write-result.js";

const help = `Usage: kiln run FILE --NAME VALUE... [options]

Runs a .wgsl or .spv file. Each NAME is a binding of the shader, or a member of a struct, such as params.scale.
\`kiln inspect FILE\` lists the bindings. Results are printed, or written to files.

  kiln run scale.wgsl --factor 2 --x 1,2,3 --y f32:3
  kiln run blur.wgsl --image photo.png --width width:image --blurred u32:image --out blurred.png

Values:
${valueForms}
A value for storage that the shader writes comes back as a result too.

Options:
  --out [NAME=]FILE        writes a result: .npy, .png, or else its bytes; may be given for each result
  --size WxH               the size of an image to write (default: that of the image that is read)
  --show N                 prints up to N elements of a result (default: 64)
  --threads N[,N[,N]]      threads to run (default: one for each element of the results)
  --workgroups N[,N[,N]]   workgroups to run, in place of threads
  --constant NAME=VALUE    sets an override (in SPIR-V: a specialization constant); may be repeated
  --entry NAME             the entry point, if the file has several
  --bind NAME=VALUE        the same as --NAME VALUE, for a name that is also an option
  --time                   also times the first run and warm ones
  --repeat N               how many warm runs to time, at most (default: 100)
  --json                   prints JSON
${gpuOptionsHelp.replaceAll(/(--\S+(?: \S+)?) +(?=the)/g, (_, option: string) => option.padEnd(25))}
  -h, --help               prints this help

Without a GPU the kernel runs on @kiln-gpu/software-gpu if your project has it; the first line says so.
Exits with 1 if the shader or the run fails, and with 2 if the command line has an error.`;

export const command: Command = {
  help,
  async run(args, surroundings) {
    const { folder, output } = surroundings;
    const [file, ...rest] = args;
    if (file === undefined || file.startsWith("-")) {
      throw new UsageError(`The shader comes first: kiln run FILE --NAME VALUE...; got "${file ?? ""}".`);
    }
    const shader = await readShaderFile(file, folder);
    const entry = entryOf(shader, rest);
    const { bindings: used, unused } = entry.interface;
    const infos = [...used, ...unused];
    const paths = infos.flatMap(valuePaths);
    const given = parseValues(rest, paths);
    const texts = textsOf(given, paths);
    const isGiven = ({ name }: BindingInfo) => [...texts.keys()].some((path) => `${path}.`.startsWith(`${name}.`));
    const { bindings, sizes } = await bindValues([...used, ...unused.filter(isGiven)], texts, folder);
    const results = infos.filter(({ name }) => isResult(bindings[name]));
    const outs = readOuts(
      given.list("out"),
      results.map(({ name }) => name),
    );
    const size = sizeOf(given, sizes);
    const kernel = kernelOf(shader, entry, constantsOf(given));
    const options = runOptions(given);
    const shown = given.count("show", 64, 0);
    const repeats = given.count("repeat", 100);

    const startMs = performance.now();
    await using gpu = await openGpu(given, folder);
    const openMs = performance.now() - startMs;
    const isJson = given.flag("json");
    const say = (text: string) => void (isJson || output.write(`${styleText("dim", text, { stream: output })}\n`));
    say(describeGpu(gpu.device));
    const beforeMs = performance.now();
    const values = (await gpu.run(kernel, bindings, options)) as { readonly [name: string]: TypedArray };
    const firstMs = performance.now() - beforeMs;
    for (const out of outs) {
      const info = results.find(({ name }) => name === out.name)!;
      await writeResult(out, values[out.name]!, info, size, folder);
      say(`${out.name} is written to ${out.path}.`);
    }
    let times: RunTimes | undefined;
    if (given.flag("time")) {
      const warm = quantilesOf(await timeRuns(repeats, () => gpu.run(kernel, bindings, options)));
      const { profile } = await gpu.run(kernel, bindings, { ...options, profile: true });
      const { gpuTimeNs } = profile;
      times = { openMs, firstMs, warm, ...(gpuTimeNs !== undefined && { gpuMs: gpuTimeNs / 1e6 }) };
    }
    if (isJson) {
      const { name, isSoftware } = gpu.device;
      const shownResults = results.map(({ name: result }) => {
        const array = values[result]!;
        return [result, { type: elementTypeOf(array), length: array.length, data: jsonNumbers(array) }];
      });
      const all = { device: { name, isSoftware }, results: Object.fromEntries(shownResults), ...(times && { times }) };
      output.write(`${JSON.stringify(all)}\n`);
      return 0;
    }
    const isWritten = (name: string) => outs.some((out) => out.name === name);
    for (const { name } of results) {
      if (!isWritten(name)) output.write(`${showResult(name, values[name]!, shown)}\n`);
    }
    if (results.length === 0) say("The run has no result: bind storage that the shader writes.");
    if (times) output.write(`${showTimes(times)}\n`);
    return 0;
  },
};

function entryOf({ entryPoints }: Shader, args: readonly string[]): LoadedProgram {
  const at = args.findIndex((arg) => arg === "--entry" || arg.startsWith("--entry="));
  const wanted = at < 0 ? undefined : (args[at]!.split("=")[1] ?? args[at + 1]);
  const names = entryPoints.map(({ interface: { entryPoint } }) => entryPoint);
  const found = wanted === undefined && names.length === 1 ? 0 : names.indexOf(wanted ?? "");
  if (found >= 0) return entryPoints[found]!;
  throw new UsageError(`--entry must be one of ${names.join(", ")}; got "${wanted ?? ""}".`);
}

/** @throws {UsageError} for a name that is no binding and no option; it lists the bindings. */
function parseValues(args: readonly string[], paths: readonly string[]): GivenOptions {
  const values = Object.fromEntries(paths.map((path) => [path, "value"] as const));
  for (const arg of args) {
    const [, name] = /^--([^=]+)/.exec(arg) ?? [];
    if (name === undefined || Object.hasOwn(kinds, name) || paths.includes(name)) continue;
    const known = paths.map((path) => `--${path}`).join(", ") || "none";
    throw new UsageError(`There is no option or binding "--${name}"; the shader's bindings are: ${known}.`);
  }
  const given = parseOptions(args, { ...values, ...kinds });
  if (given.paths.length === 0) return given;
  throw new UsageError(`After FILE each value has the name of its binding; got "${given.paths[0]}".`);
}

function textsOf(given: GivenOptions, paths: readonly string[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const path of paths) {
    const text = Object.hasOwn(kinds, path) ? undefined : given.value(path);
    if (text !== undefined) texts.set(path, text);
  }
  for (const [path, text] of given.list("bind").map((pair) => pairOf("bind", pair))) {
    if (!paths.includes(path)) {
      throw new UsageError(`--bind must name one of the shader's bindings, ${paths.join(", ")}; got "${path}".`);
    }
    if (texts.has(path)) throw new UsageError(`--${path} and --bind ${path}=… exclude each other; got both.`);
    texts.set(path, text);
  }
  return texts;
}

function pairOf(option: string, text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--${option} must be NAME=VALUE; got "${text}".`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function constantsOf(given: GivenOptions): Constants {
  return Object.fromEntries(
    given.list("constant").map((pair) => {
      const [name, text] = pairOf("constant", pair);
      if (text === "true" || text === "false") return [name, text === "true"];
      const value = Number(text);
      if (text.trim() === "" || Number.isNaN(value)) {
        throw new UsageError(`--constant ${name} must be a number, true or false; got "${text}".`);
      }
      return [name, value];
    }),
  );
}

function kernelOf({ file, source }: Shader, entry: LoadedProgram, constants: Constants): Kernel {
  const { entryPoint } = entry.interface;
  return defineKernel<Bindings>({
    label: basename(file).replace(/\.[^.]*$/u, ""),
    file,
    ...source,
    entryPoint,
    constants,
  });
}

function runOptions(given: GivenOptions): RunOptions {
  const threads = gridOf(given, "threads");
  const workgroups = gridOf(given, "workgroups");
  if (threads && workgroups) throw new UsageError("--threads and --workgroups exclude each other; got both.");
  return { ...(threads && { threads }), ...(workgroups && { workgroups }) };
}

function gridOf(given: GivenOptions, name: string): [number, number, number] | undefined {
  const text = given.value(name);
  if (text === undefined) return undefined;
  const [x, y = 1, z = 1, ...more] = text.split(/[,x]/).map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const grid = [x!, y, z] as [number, number, number];
  if (more.length === 0 && grid.every((count) => Number.isSafeInteger(count) && count > 0)) return grid;
  throw new UsageError(`--${name} must be one to three whole numbers, 1 or more: 640,480; got "${text}".`);
}

function sizeOf(given: GivenOptions, sizes: ReadonlyMap<string, Size>): Size | undefined {
  const text = given.value("size");
  if (text === undefined) return [...sizes.values()][0];
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (Number(width) > 0 && Number(height) > 0) return { width: Number(width), height: Number(height) };
  throw new UsageError(`--size must be WIDTHxHEIGHT, as in 640x480; got "${text}".`);
}

function isResult(value: BindingValue | undefined): boolean {
  return value !== undefined && ["output", "inout"].includes(roleOf(value) ?? "");
}
