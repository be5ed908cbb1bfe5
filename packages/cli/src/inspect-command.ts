import { basename } from "node:path";
import { styleText } from "node:util";
import { type BindingInfo, type ScalarType, type TypeLayout, typeName } from "@kiln-gpu/core/backend";
import { type LoadedProgram, listConstants, type ShaderConstant } from "@kiln-gpu/shader";
import { type Command, parseOptions } from "./command.js";
import { exportNames } from "./export-names.js";
import type { Shader } from "./read-shader.js";
import { readShaderFile } from "./read-shader-file.js";
import { exampleOption, exampleValue } from "./run/bind-values.js";
import { isSized, soleElementType } from "./run/elements.js";
import { table } from "./table.js";
import { UsageError } from "./usage-error.js";

const help = `Usage: kiln inspect FILE [options]

Shows what a .wgsl or .spv file declares: its constants, and for each compute entry point the workgroup size, the
bindings with their layouts in memory, and a run to paste into a program or a terminal. It needs no GPU, and does not
read the bodies of functions: \`kiln check\` finds errors there.

Options:
  --json      prints JSON
  -h, --help  prints this help

Exits with 1 if the file cannot be read as a shader, and with 2 if the command line has an error.`;

export const command: Command = {
  help,
  async run(args, { folder, output }) {
    const given = parseOptions(args, { json: "flag" });
    const [file, ...others] = given.paths;
    if (file === undefined || others.length > 0) {
      throw new UsageError(`The command takes one FILE; got ${given.paths.length}.`);
    }
    const shader = await readShaderFile(file, folder);
    const constants = listConstants(shader.source);
    if (given.flag("json")) {
      output.write(`${JSON.stringify(jsonOf(shader, constants), null, 2)}\n`);
      return 0;
    }
    const bold = (text: string) => styleText("bold", text, { stream: output });
    const language = shader.source.spirv ? "SPIR-V" : "WGSL";
    const parts = [`${bold(file)}  ${language}`];
    if (constants.length > 0) parts.push(`${bold("Constants")}\n${table(constants.map(constantRow))}`);
    const names = kernelNames(shader);
    for (const [i, program] of shader.entryPoints.entries()) {
      parts.push(showEntryPoint(program, { file, kernel: names[i]!, isSole: names.length === 1, bold }));
    }
    output.write(`${parts.join("\n\n")}\n`);
    return 0;
  },
};

function jsonOf(shader: Shader, constants: readonly ShaderConstant[]) {
  return {
    file: shader.file,
    language: shader.source.spirv ? "spirv" : "wgsl",
    constants,
    entryPoints: shader.entryPoints.map(({ interface: { entryPoint, workgroupSize, bindings, unused } }) => ({
      entryPoint,
      workgroupSize,
      bindings: bindings.map(withType),
      unused: unused.map(withType),
    })),
  };
}

const withType = (info: BindingInfo) => ({ ...info, type: typeName(info.layout) });

/** The names that `kiln codegen` gives the kernels. */
function kernelNames({ name, entryPoints }: Shader): string[] {
  const stem = name.replace(/\.[^.]*$/u, "");
  const names = entryPoints.length === 1 ? [stem] : entryPoints.map(({ interface: { entryPoint } }) => entryPoint);
  return exportNames(names).map(({ kernel }) => kernel);
}

function constantRow({ name, id, type, default: value }: ShaderConstant): string[] {
  const key = name === undefined ? id! : id === undefined ? name : `${name} (${id})`;
  return [key, type ?? "", value === undefined ? "no default: every kernel must set it" : `= ${value}`];
}

interface Shown {
  readonly file: string;
  readonly kernel: string;
  readonly isSole: boolean;
  readonly bold: (text: string) => string;
}

function showEntryPoint(program: LoadedProgram, { file, kernel, isSole, bold }: Shown): string {
  const { entryPoint, workgroupSize, bindings, unused } = program.interface;
  const lines = [`${bold(`Entry point ${entryPoint}`)}  workgroups of ${workgroupSize.join(" x ")} threads`];
  lines.push(table(bindings.flatMap(bindingRows)) || "  binds nothing");
  if (unused.length > 0) lines.push(`  declared and not used: ${unused.map(({ name }) => name).join(", ")}`);
  lines.push("", ...callOf(kernel, bindings, workgroupSize).map((line) => `  ${line}`), "");
  const options = [...(isSole ? [] : [`--entry ${entryPoint}`]), ...bindings.map(exampleOption)];
  if (isGrid(workgroupSize)) options.push("--threads 64,64");
  lines.push(`  npx kiln run ${[basename(file) === file ? file : JSON.stringify(file), ...options].join(" ")}`);
  return lines.join("\n");
}

function bindingRows(info: BindingInfo): string[][] {
  const { name, group, binding, kind, access, layout, isImmediate } = info;
  const place = isImmediate ? "immediate" : `@group(${group}) @binding(${binding})`;
  const use = kind === "uniform" ? "uniform" : access === "read" ? "storage, read" : "storage, read_write";
  const row = [name, place, isImmediate ? "" : use, typeName(layout), sizeOf(layout)];
  return [row, ...memberRows(layout, 0, "  ")];
}

/** A row for each member of a struct, at any depth, with its offset in bytes. */
function memberRows(layout: TypeLayout, base: number, indent: string): string[][] {
  if (layout.kind === "array") return memberRows(layout.element, 0, indent);
  if (layout.kind !== "struct") return [];
  return layout.members.flatMap((member) => [
    [`${indent}${member.name}`, `offset ${base + member.offset}`, "", typeName(member.layout), sizeOf(member.layout)],
    ...memberRows(member.layout, base + member.offset, `${indent}  `),
  ]);
}

function sizeOf(layout: TypeLayout): string {
  if (layout.kind === "array") {
    return layout.count === 0 ? `stride ${layout.stride}` : `${layout.byteLength} bytes, stride ${layout.stride}`;
  }
  return isSized(layout) ? `${layout.byteLength} bytes` : `${layout.byteLength} bytes and more`;
}

const arrayNames: { readonly [scalar in Exclude<ScalarType, "bool">]: string } = {
  f32: "Float32Array",
  i32: "Int32Array",
  u32: "Uint32Array",
  f16: "Float16Array",
};

const exampleLength = 64;

/** The call of `run`, as it is pasted into a program. */
function callOf(kernel: string, bindings: readonly BindingInfo[], workgroupSize: readonly number[]): string[] {
  const results = bindings.filter(({ access }) => access === "read-write").map(({ name }) => name);
  const values = bindings.map((info) => `  ${keyOf(info.name)}: ${exampleSource(info)},`);
  const names = results
    .map((name, i) => (isIdentifier(name) ? name : `${JSON.stringify(name)}: result${i + 1}`))
    .join(", ");
  const receive = results.length > 0 ? `const { ${names} } = ` : "";
  const end = isGrid(workgroupSize) ? "}, { threads: [64, 64] });" : "});";
  return [`${receive}await gpu.run(${kernel}, {`, ...values, end];
}

/** Whether a run must say how many threads it has, because the length of a result does not. */
function isGrid([, y, z]: readonly number[]): boolean {
  return y! > 1 || z! > 1;
}

function exampleSource({ name, access, layout }: BindingInfo): string {
  const type = soleElementType(layout);
  if (access === "read" && isSized(layout)) return sourceOf(exampleValue(layout));
  if (!type) return access === "read" ? `bytes(${isIdentifier(name) ? name : "data"})` : "inout(bytes(data))";
  const elementBytes = type === "f16" ? 2 : 4;
  const length = isSized(layout) ? layout.byteLength / elementBytes : exampleLength;
  return access === "read" ? `new ${arrayNames[type]}(${length})` : `output(${arrayNames[type]}, ${length})`;
}

/** JSON with the spaces and bare keys of TypeScript. */
function sourceOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sourceOf).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, member]) => `${keyOf(key)}: ${sourceOf(member)}`)
    .join(", ")} }`;
}

function isIdentifier(name: string): boolean {
  return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name);
}

function keyOf(name: string): string {
  return isIdentifier(name) ? name : JSON.stringify(name);
}
