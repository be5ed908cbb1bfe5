import type { TypeLayout } from "@kiln-gpu/core";
import { decorationOf, type SpirvModule } from "./spirv-module.js";
import { Decoration, Op } from "./spirv-words.js";

/**
 * `layout`, as reflected from the translated WGSL, with the member names of the SPIR-V type it was translated from; or, as the end
 * of a sentence, where WGSL puts something at another byte than SPIR-V does: the shader would read what was never written there.
 */
export function matchLayout(module: SpirvModule, type: number, layout: TypeLayout, path: string): TypeLayout | string {
  const definition = module.definitions.get(type);
  if (definition?.opcode === Op.TypeStruct) {
    if (layout.kind !== "struct") return `${path} is not a struct in WGSL`;
    return matchStruct(module, type, [...definition.operands.subarray(1)], layout, path);
  }
  if (definition?.opcode === Op.TypeArray || definition?.opcode === Op.TypeRuntimeArray) {
    if (layout.kind !== "array") return `${path} is not an array in WGSL`;
    const stride = decorationOf(module, Decoration.ArrayStride, type);
    if (stride !== layout.stride) return `the elements of ${path} are ${stride} bytes apart, in WGSL ${layout.stride}`;
    const element = matchLayout(module, definition.operands[1]!, layout.element, `${path}[]`);
    return typeof element === "string" ? element : { ...layout, element };
  }
  return layout;
}

function matchStruct(
  module: SpirvModule,
  type: number,
  memberTypes: readonly number[],
  layout: TypeLayout & { readonly kind: "struct" },
  path: string,
): TypeLayout | string {
  if (memberTypes.length !== layout.members.length) {
    return `${path} has ${memberTypes.length} members, in WGSL ${layout.members.length}`;
  }
  const members: { name: string; offset: number; layout: TypeLayout }[] = [];
  for (const [i, member] of layout.members.entries()) {
    const name = module.names.get(`${type}.${i}`) || member.name;
    const at = `${path}.${name}`;
    const offset = decorationOf(module, Decoration.Offset, type, i);
    if (offset !== member.offset) return `${at} is at byte ${offset}, in WGSL at ${member.offset}`;
    const matrix = matrixIn(member.layout);
    if (matrix) {
      const stride = decorationOf(module, Decoration.MatrixStride, type, i);
      if (decorationOf(module, Decoration.RowMajor, type, i) !== undefined) return `${at} is row-major`;
      if (stride !== matrix.columnStride) {
        return `the columns of ${at} are ${stride} bytes apart, in WGSL ${matrix.columnStride}`;
      }
    }
    const matched = matchLayout(module, memberTypes[i]!, member.layout, at);
    if (typeof matched === "string") return matched;
    members.push({ name, offset: member.offset, layout: matched });
  }
  return { ...layout, name: module.names.get(`${type}`) || layout.name, members };
}

export function matrixIn(layout: TypeLayout): (TypeLayout & { readonly kind: "matrix" }) | undefined {
  if (layout.kind === "array") return matrixIn(layout.element);
  return layout.kind === "matrix" ? layout : undefined;
}

/** Why a uniform cannot have this layout, as the end of a sentence: WebGPU wants its arrays and structs on 16 bytes. */
export function uniformProblem(layout: TypeLayout, path: string): string | undefined {
  if (layout.kind === "array") {
    if (layout.stride % 16 !== 0)
      return `the elements of ${path} are ${layout.stride} bytes apart, not a multiple of 16`;
    return uniformProblem(layout.element, `${path}[]`);
  }
  if (layout.kind !== "struct") return undefined;
  for (const [i, { name, offset, layout: member }] of layout.members.entries()) {
    const at = `${path}.${name}`;
    const isComposite = member.kind === "array" || member.kind === "struct";
    if (isComposite && offset % 16 !== 0) return `${at} is at byte ${offset}, not a multiple of 16`;
    const next = layout.members[i + 1];
    if (member.kind === "struct" && next && next.offset < offset + Math.ceil(member.byteLength / 16) * 16) {
      return `${path}.${next.name} follows ${at} in the same 16 bytes`;
    }
    const problem = uniformProblem(member, at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
