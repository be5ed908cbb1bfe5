import type { GridPlace, ShaderInterface } from "@kiln-gpu/core/backend";
import { applyEdits, type Edit } from "./edit-text.js";
import { scanModule } from "./scan-module.js";
import { type GridBuiltin, type GridParameter, gridParametersOf } from "./splittable.js";
import { freeNames } from "./static-use.js";

export interface WgslProgram {
  readonly wgsl: string;
  readonly interface: ShaderInterface;
}

/**
 * Returns WGSL that runs a part of a grid as if it were the whole. The entry point reads the part's first workgroup and
 * the grid's size in workgroups from a `struct { base: vec4<u32>, total: vec4<u32> }` at `place`.
 *
 * The entry point's grid parameters get new names, and its body begins with constants of the old names. The constants
 * are in the entry point itself: a compiler's uniformity analysis does not follow the members of a struct into a
 * function.
 * @throws {Error} If the interface says that the program cannot be split.
 */
export function splitVariant({ wgsl, interface: shader }: WgslProgram, place: GridPlace): string {
  const { entryPoint } = shader;
  const module = scanModule(wgsl);
  const entry = module.declarations.get(entryPoint);
  if (entry?.kind !== "function") throw new Error(`Unreachable: "${entryPoint}" is no function.`);
  const parameters = gridParametersOf(module, entry);
  if (typeof parameters === "string")
    throw new Error(`Unreachable: "${entryPoint}" cannot be split because ${parameters}.`);

  const taken = new Set(module.tokens.map(({ text }) => text));
  const free = (wanted: string): string => {
    let name = wanted;
    for (let i = 1; taken.has(name); i += 1) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
  const grid = free("kiln_grid");
  const struct = free("KilnGrid");
  const whole = wholeOf(shader, grid);
  const edits: Edit[] = [];
  // Used even without grid parameters, so that the layout which a device derives has the binding.
  const prologue = [`_ = ${grid}.base;`];
  for (const gridParameter of parameters) {
    const { name } = gridParameter.parameter;
    if (gridParameter.builtin) {
      const part = free(`kiln_part_${name.text}`);
      edits.push({ ...name, text: part });
      prologue.push(`let ${name.text} = ${whole(gridParameter.builtin, part)};`);
    } else if (gridParameter.members?.some((member) => member.builtin)) {
      splitStruct(gridParameter);
    }
  }
  edits.push({ start: entry.bodyStart, end: entry.bodyStart, text: ` ${prologue.join(" ")}` });
  return (
    `${applyEdits(wgsl, edits)}\nstruct ${struct} { base: vec4<u32>, total: vec4<u32> }\n` +
    `${declarationOf(place)} ${grid}: ${struct};\n`
  );

  function splitStruct({ parameter, members }: GridParameter): void {
    if (entry?.kind !== "function") return;
    const name = parameter.name.text;
    const builtinOf = new Map(members?.map((member) => [member.name, member.builtin]));
    const uses = [...freeNames(entry)].filter(({ token, isParameter }) => isParameter && token.text === name);
    const isTakenApart = uses.every(({ index }) => entry.body[index + 1]?.text === ".");
    if (!isTakenApart) {
      const part = free(`kiln_part_${name}`);
      edits.push({ ...parameter.name, text: part });
      prologue.push(`var ${name} = ${part};`);
      for (const [member, builtin] of builtinOf) {
        if (builtin) prologue.push(`${name}.${member} = ${whole(builtin, `${part}.${member}`)};`);
      }
      return;
    }
    const constants = new Map<string, string>();
    for (const { token, index } of uses) {
      const member = entry.body[index + 2]!;
      const builtin = builtinOf.get(member.text);
      if (!builtin) continue;
      const constant = constants.get(member.text) ?? free(`kiln_${name}_${member.text}`);
      if (!constants.has(member.text)) {
        constants.set(member.text, constant);
        prologue.push(`let ${constant} = ${whole(builtin, `${name}.${member.text}`)};`);
      }
      edits.push({ start: token.start, end: member.end, text: constant });
    }
  }
}

function declarationOf(place: GridPlace): string {
  if (place.type === "immediate") return "var<immediate>";
  const space = place.type === "uniform" ? "uniform" : "storage, read";
  return `@group(${place.group}) @binding(${place.binding}) var<${space}>`;
}

/** Writes a grid builtin's value in the whole grid, from its value in the part. */
function wholeOf({ workgroupSize }: ShaderInterface, grid: string): (builtin: GridBuiltin, part: string) => string {
  const size = `vec3<u32>(${workgroupSize.map((count) => `${count}u`).join(", ")})`;
  return (builtin, part) => {
    switch (builtin) {
      case "global_invocation_id":
        return `${part} + ${grid}.base.xyz * ${size}`;
      case "workgroup_id":
        return `${part} + ${grid}.base.xyz`;
      case "num_workgroups":
        return `${grid}.total.xyz`;
    }
  };
}
