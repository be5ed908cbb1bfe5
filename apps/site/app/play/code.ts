/** The TypeScript of a run, to take from the playground into a program. */
import type { EntryPoint, Program } from "./program.js";
import { elementTypeOf, fieldsOf, parseElements, parseUniform } from "./values.js";

const arrayNames = { f32: "Float32Array", i32: "Int32Array", u32: "Uint32Array", f16: "Uint16Array" } as const;
/** Longer inputs are left to the reader. */
const longestList = 24;

export function codeOf(
  { wgsl, inputs, outputs, constants, threads }: Program,
  entry: EntryPoint,
  entryPoints: number,
): string {
  const used = new Set(["defineKernel", "openPersistentBackend"]);
  const bound = entry.bindings.map((binding) => {
    const { name, layout, kind, access } = binding;
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    if (kind === "uniform") return `${key}: ${uniformCode(inputs, binding)}`;
    const type = arrayNames[elementTypeOf(layout)];
    if (outputs[name] !== undefined) {
      used.add("output");
      return `${key}: output(${type}, ${outputs[name]})`;
    }
    const array = arrayCode(inputs[name] ?? "", elementTypeOf(layout));
    if (access === "read") return `${key}: ${array}`;
    used.add("inout");
    return `${key}: inout(${array})`;
  });
  const results = entry.bindings.filter(({ kind, access }) => kind === "storage" && access === "read-write");
  const options = threads.trim() === "" ? "" : `, { threads: ${threadsCode(threads)} }`;
  const given = Object.entries(constants).filter(([, text]) => text.trim() !== "");
  const definition = [
    `  label: "shader",`,
    "  wgsl: `",
    wgsl.trimEnd().replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${"),
    "`,",
    ...(entryPoints > 1 ? [`  entryPoint: ${JSON.stringify(entry.name)},`] : []),
    ...(given.length > 0
      ? [`  constants: { ${given.map(([name, text]) => `${name}: ${text.trim()}`).join(", ")} },`]
      : []),
  ];
  const names = results.map(({ name }) => name).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
  return [
    `import { ${[...used].sort().join(", ")} } from "kiln-gpu";`,
    "",
    "const kernel = defineKernel({",
    ...definition,
    "});",
    "",
    "const gpu = await openPersistentBackend();",
    `const { ${names.join(", ")} } = await gpu.run(`,
    "  kernel,",
    `  { ${bound.join(", ")} }${options},`,
    ");",
    ...(names.length > 0 ? [`console.log(${names.join(", ")});`] : []),
    "await gpu.dispose();",
    "",
  ].join("\n");
}

function uniformCode(inputs: Program["inputs"], binding: EntryPoint["bindings"][number]): string {
  const fields = fieldsOf(binding);
  const value = (key: string, layout: (typeof fields)[number]["layout"]) => {
    try {
      return JSON.stringify(parseUniform(inputs[key] ?? "", layout)).replaceAll(",", ", ");
    } catch {
      return "0";
    }
  };
  if (fields[0]?.member === undefined) return value(fields[0]!.key, fields[0]!.layout);
  return `{ ${fields.map(({ key, member, layout }) => `${member}: ${value(key, layout)}`).join(", ")} }`;
}

function arrayCode(text: string, type: keyof typeof arrayNames): string {
  const zeros = /^\s*zeros\((\d+)\)\s*$/.exec(text);
  if (zeros) return `new ${arrayNames[type]}(${zeros[1]})`;
  const ramp = /^\s*ramp\((\d+)\)\s*$/.exec(text);
  if (ramp) return `${arrayNames[type]}.from({ length: ${ramp[1]} }, (_, i) => i)`;
  try {
    const elements = parseElements(text, type);
    if (elements.length <= longestList) return `new ${arrayNames[type]}([${elements.join(", ")}])`;
    return `new ${arrayNames[type]}(${elements.length}) /* ${text.trim().slice(0, 40)} */`;
  } catch {
    return `new ${arrayNames[type]}(1)`;
  }
}

function threadsCode(text: string): string {
  const numbers = text.split(/[\s,]+/).filter(Boolean);
  return numbers.length === 1 ? numbers[0]! : `[${numbers.join(", ")}]`;
}
