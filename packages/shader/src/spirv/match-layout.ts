import type { TypeLayout } from "@kiln-gpu/core/backend";
import { decorationOf, type SpirvModule } from "./module.js";
import { Decoration, Op } from "./words.js";

/**
 * Compares the layout of the translated WGSL with the SPIR-V type. With a part at another byte, the shader would read
 * other data.
 * @returns The layout with the member names of the SPIR-V; or, as the end of a sentence, what is at another byte.
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
