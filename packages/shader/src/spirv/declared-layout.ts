/** Layouts as a SPIR-V module declares them, for bindings that are not translated. */
import type { BindingInfo, ScalarType, TypeLayout } from "@kiln-gpu/core/backend";
import { spirvBindings } from "./bindings.js";
import { matrixIn } from "./match-layout.js";
import { decorationOf, type SpirvModule } from "./module.js";
import { Decoration, Op } from "./words.js";

/** A short module can declare a type that is enormous when written out. */
const maxParts = 1024;
const maxDepth = 32;

/** The place of push constants that the entry point does not use. */
const nowhere = { group: 0, binding: 0 };

interface Placed {
  readonly layout: TypeLayout;
  readonly align: number;
  readonly parts: number;
}

/** The bindings that `module` declares beside the `used` ones, except those whose types no run could fill. */
export function unusedBindings(
  module: SpirvModule,
  isUsed: (variable: number) => boolean,
  used: readonly BindingInfo[],
): BindingInfo[] {
  const taken = new Set(used.map(({ name }) => name));
  return spirvBindings(module).flatMap(({ variable, name, place, type, isReadOnly, isStorage }) => {
    const layout = isUsed(variable.at) ? undefined : layoutOf(module, type)?.layout;
    const own = [name, place && `${place.group}/${place.binding}`].find((each) => each && !taken.has(each));
    if (!layout || !own) return [];
    taken.add(own);
    const kind = isStorage ? "storage" : "uniform";
    const access = isReadOnly || !isStorage ? "read" : "read-write";
    return [{ name: own, ...(place ?? nowhere), kind, access, layout: isStorage ? withoutBlock(layout) : layout }];
  });
}

/** A storage block of one member has the layout of that member: the bytes are the same. */
export function withoutBlock(layout: TypeLayout): TypeLayout {
  const sole = layout.kind === "struct" && layout.members.length === 1 ? layout.members[0]! : undefined;
  const isSameBytes =
    sole?.offset === 0 &&
    (sole.layout.byteLength === layout.byteLength || (sole.layout.kind === "array" && sole.layout.count === 0));
  return isSameBytes ? sole.layout : layout;
}

const floats: { readonly [width: number]: ScalarType } = { 32: "f32", 16: "f16" };
const integers: readonly ScalarType[] = ["u32", "i32"];

function layoutOf(module: SpirvModule, type: number, depth = 0, isRowMajor = false): Placed | undefined {
  if (depth > maxDepth) return undefined;
  const definition = module.definitions.get(type);
  const [, first = 0, second = 0] = definition?.operands ?? [];
  switch (definition?.opcode) {
    case Op.TypeInt:
    case Op.TypeFloat: {
      const scalar = definition.opcode === Op.TypeFloat ? floats[first] : first === 32 ? integers[second] : undefined;
      return scalar && { layout: { kind: "scalar", scalar, byteLength: first / 8 }, align: first / 8, parts: 1 };
    }
    case Op.TypeVector: {
      const element = layoutOf(module, first, depth + 1)?.layout;
      if (element?.kind !== "scalar") return undefined;
      const { scalar, byteLength } = element;
      const layout = { kind: "vector", scalar, components: second, byteLength: second * byteLength } as const;
      return { layout, align: byteLength * (second === 2 ? 2 : 4), parts: 1 };
    }
    case Op.TypeMatrix: {
      const column = layoutOf(module, first, depth + 1);
      if (column?.layout.kind !== "vector") return undefined;
      const { scalar, components } = column.layout;
      // A row-major matrix is bound as the transposed one, which has the same bytes.
      const [columns, rows] = isRowMajor ? [components, second] : [second, components];
      const align = (column.layout.byteLength / components) * (rows === 2 ? 2 : 4);
      const matrix = { scalar, columns, rows, columnStride: align, byteLength: columns * align };
      return { layout: { kind: "matrix", ...matrix }, align, parts: 1 };
    }
    case Op.TypeArray:
    case Op.TypeRuntimeArray: {
      const element = layoutOf(module, first, depth + 1, isRowMajor);
      const stride = decorationOf(module, Decoration.ArrayStride, type);
      const isRuntime = definition.opcode === Op.TypeRuntimeArray;
      const count = isRuntime ? 0 : (module.definitions.get(second)?.operands[2] ?? 0);
      if (!element || !stride || (count === 0 && !isRuntime)) return undefined;
      const layout = { kind: "array", element: element.layout, stride, count, byteLength: stride * count } as const;
      return { ...element, layout };
    }
    case Op.TypeStruct:
      return structOf(module, type, definition.operands.subarray(1), depth);
    default:
      return undefined;
  }
}

function structOf(module: SpirvModule, type: number, memberTypes: Uint32Array, depth: number): Placed | undefined {
  const members: { readonly name: string; readonly offset: number; readonly layout: TypeLayout }[] = [];
  let [align, parts, end] = [1, 0, 0];
  let isOpen = false;
  for (const [i, memberType] of memberTypes.entries()) {
    const isRowMajor = decorationOf(module, Decoration.RowMajor, type, i) !== undefined;
    const placed = layoutOf(module, memberType, depth + 1, isRowMajor);
    const offset = decorationOf(module, Decoration.Offset, type, i);
    parts += placed?.parts ?? 0;
    if (!placed || offset === undefined || parts > maxParts) return undefined;
    const { layout } = placed;
    const stride = matrixIn(layout)?.columnStride;
    if (stride !== undefined && stride !== decorationOf(module, Decoration.MatrixStride, type, i)) return undefined;
    members.push({ name: module.names.get(`${type}.${i}`) || `member_${i}`, offset, layout });
    isOpen = layout.kind === "array" && layout.count === 0;
    align = Math.max(align, placed.align);
    end = Math.max(end, offset + layout.byteLength);
  }
  const byteLength = isOpen ? end : Math.ceil(end / align) * align;
  return {
    layout: { kind: "struct", name: module.names.get(`${type}`) || "block", members, byteLength },
    align,
    parts,
  };
}
