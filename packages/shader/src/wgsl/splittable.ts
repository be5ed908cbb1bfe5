import type { BindingInfo, ShaderInterface } from "@kiln-gpu/core/backend";
import type { Attribute, Field, FunctionDeclaration, StructDeclaration, WgslModule } from "./scan-module.js";
import type { Token } from "./scan-tokens.js";

/** Builtins that depend on the dispatched grid, and so differ in a part of a grid. */
export type GridBuiltin = "global_invocation_id" | "workgroup_id" | "num_workgroups";

const gridBuiltins: readonly string[] = [
  "global_invocation_id",
  "workgroup_id",
  "num_workgroups",
] satisfies GridBuiltin[];

/** Builtins that are the same in a part of a grid as in the whole. */
const localBuiltins: readonly string[] = [
  "local_invocation_id",
  "local_invocation_index",
  "subgroup_invocation_id",
  "subgroup_size",
  "subgroup_id",
  "num_subgroups",
];

/** Names that the split variant uses and a module may redefine. */
const variantNames = ["vec3", "vec4", "u32"];

/** As many as WebGPU guarantees. */
const maxBindingsPerGroup = 1000;

/** A parameter of an entry point with its grid builtins: the parameter itself, or members of its struct. */
export interface GridParameter {
  readonly parameter: Field;
  readonly builtin?: GridBuiltin;
  readonly members?: readonly { readonly name: string; readonly builtin?: GridBuiltin }[];
}

/** The binding from which a split variant of `entry` reads its place in the grid, or why there is none. */
export function splittableOf(
  module: WgslModule,
  entry: FunctionDeclaration,
  bindings: readonly BindingInfo[],
): ShaderInterface["splittable"] {
  const parameters = gridParametersOf(module, entry);
  if (typeof parameters === "string") return parameters;
  const redefined = variantNames.find((name) => module.declarations.has(name));
  if (redefined !== undefined) return `it redefines "${redefined}"`;
  return freePlace(bindings) ?? "its bind group has no binding left";
}

/** A free place in the group of the bindings. */
export function freePlace(
  bindings: readonly { readonly group: number; readonly binding: number }[],
): { readonly group: number; readonly binding: number } | undefined {
  const group = bindings[0]?.group ?? 0;
  const taken = new Set(bindings.filter((info) => info.group === group).map((info) => info.binding));
  const after = taken.size === 0 ? 0 : Math.max(...taken) + 1;
  if (after < maxBindingsPerGroup) return { group, binding: after };
  for (let binding = 0; binding < maxBindingsPerGroup; binding += 1) if (!taken.has(binding)) return { group, binding };
  return undefined;
}

/** The entry point's parameters; or, as the end of a sentence, why the grid cannot be split. */
export function gridParametersOf(module: WgslModule, entry: FunctionDeclaration): readonly GridParameter[] | string {
  const parameters: GridParameter[] = [];
  for (const parameter of entry.parameters) {
    const own = builtinOf(parameter.attributes);
    if (own !== undefined) {
      if (!isKnown(own)) return `it uses the builtin "${own}"`;
      parameters.push({ parameter, ...(isGrid(own) && { builtin: own }) });
      continue;
    }
    const struct = structOf(module, parameter.type);
    if (!struct) return `its parameter "${parameter.name.text}" cannot be taken apart`;
    const members: { name: string; builtin?: GridBuiltin }[] = [];
    for (const { name, attributes } of struct.members) {
      const builtin = builtinOf(attributes);
      if (builtin === undefined) return `its parameter "${parameter.name.text}" cannot be taken apart`;
      if (!isKnown(builtin)) return `it uses the builtin "${builtin}"`;
      members.push({ name: name.text, ...(isGrid(builtin) && { builtin }) });
    }
    parameters.push({ parameter, members });
  }
  return parameters;
}

function builtinOf(attributes: readonly Attribute[]): string | undefined {
  return attributes.find(({ name }) => name === "builtin")?.arguments[0]?.[0]?.text;
}

function isGrid(builtin: string): builtin is GridBuiltin {
  return gridBuiltins.includes(builtin);
}

function isKnown(builtin: string): boolean {
  return isGrid(builtin) || localBuiltins.includes(builtin);
}

function structOf(module: WgslModule, type: readonly Token[]): StructDeclaration | undefined {
  const seen = new Set<string>();
  for (let tokens = type; tokens.length === 1; ) {
    const name = tokens[0]!.text;
    const declaration = module.declarations.get(name);
    if (declaration?.kind === "struct") return declaration;
    if (declaration?.kind !== "alias" || seen.has(name)) return undefined;
    seen.add(name);
    tokens = declaration.type;
  }
  return undefined;
}
