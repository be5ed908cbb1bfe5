/** Sizes, alignments and offsets by the rules of WGSL, section "Memory Layout". */
import { ComputeError, type ScalarType, type TypeLayout } from "@kiln-gpu/core";
import type { DeclaredMember, DeclaredType, DeclaredTypes } from "./reflect-wgsl.js";

interface Placed {
  readonly layout: TypeLayout;
  readonly align: number;
}

const byteLengths: { readonly [scalar: string]: number } = { f32: 4, i32: 4, u32: 4, f16: 2 };
const shortScalars: { readonly [suffix: string]: ScalarType } = { f: "f32", h: "f16", i: "i32", u: "u32" };
const maxDepth = 64;

/**
 * The layout of a binding's type.
 * @param subject Begins the sentence of an error.
 * @throws {ComputeError} `unsupported-shader` for a type that host and device do not share.
 */
export function layoutOf(type: DeclaredType, types: DeclaredTypes, subject: string): TypeLayout {
  return place(type, types, subject, 0).layout;
}

function place(type: DeclaredType, types: DeclaredTypes, subject: string, depth: number): Placed {
  const { name, element } = type;
  const alias = types.aliases.get(name);
  const members = types.structs.get(name);
  if (depth > maxDepth) throw new ComputeError("unsupported-shader", `${subject} nests types deeper than ${maxDepth}.`);
  if (alias) return place(alias, types, subject, depth + 1);
  if (members) return placeStruct(name, members, types, subject, depth);
  const scalar = byteLengths[name];
  if (scalar) return { layout: { kind: "scalar", scalar: name as ScalarType, byteLength: scalar }, align: scalar };
  if (element && name === "atomic") return place(element, types, subject, depth + 1);
  if (element && name === "array") {
    const { layout, align } = place(element, types, subject, depth + 1);
    const stride = roundUp(layout.byteLength, align);
    return {
      layout: { kind: "array", element: layout, stride, count: type.count, byteLength: stride * type.count },
      align,
    };
  }
  const compound = /^(?:vec([234])|mat([234])x([234]))([fhiu]?)$/u.exec(name);
  const scalarLayout = compound?.[4]
    ? place({ name: shortScalars[compound[4]]!, count: 0 }, types, subject, depth + 1).layout
    : compound && element
      ? place(element, types, subject, depth + 1).layout
      : undefined;
  if (!compound || scalarLayout?.kind !== "scalar") {
    throw new ComputeError(
      "unsupported-shader",
      `${subject} has a part of type ${name}, which host and device cannot share.`,
    );
  }
  const [, components, columns, rows] = compound;
  const length = Number(components ?? rows);
  const align = scalarLayout.byteLength * (length === 2 ? 2 : 4);
  const byteLength = scalarLayout.byteLength * length;
  if (components)
    return { layout: { kind: "vector", scalar: scalarLayout.scalar, components: length, byteLength }, align };
  return {
    layout: {
      kind: "matrix",
      scalar: scalarLayout.scalar,
      columns: Number(columns),
      rows: length,
      columnStride: align,
      byteLength: align * Number(columns),
    },
    align,
  };
}

function placeStruct(
  name: string,
  declared: readonly DeclaredMember[],
  types: DeclaredTypes,
  subject: string,
  depth: number,
): Placed {
  let align = 1;
  let end = 0;
  const members = declared.map((member) => {
    const placed = place(member.type, types, subject, depth + 1);
    const memberAlign = Math.max(placed.align, member.align ?? 1);
    const offset = roundUp(end, memberAlign);
    end = offset + Math.max(placed.layout.byteLength, member.size ?? 0);
    align = Math.max(align, memberAlign);
    return { name: member.name, offset, layout: placed.layout };
  });
  const last = members.at(-1)?.layout;
  const isSizedByBinding = last?.kind === "array" && last.count === 0;
  const byteLength = isSizedByBinding ? end : roundUp(end, align);
  return { layout: { kind: "struct", name, members, byteLength }, align };
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
