import type { UniformValue } from "../bindings/bindings.js";
import { roundUpTo4 } from "../bindings/bytes-of.js";
import { adviseArray, describeValue } from "../bindings/describe-value.js";
import { Refusal } from "../errors/refusal.js";
import {
  type MatrixLayout,
  type ScalarType,
  type TypeLayout,
  typeName,
  type VectorLayout,
} from "../shader/shader-interface.js";

/**
 * Packs `value` as a shader reads the type `layout`: by WGSL's layout rules, little-endian, with zeros as padding.
 * @param name The binding's name; errors name the part of it, as in `params.offset[1]`.
 * @throws {ComputeError} `invalid-binding` if the value does not have the type's shape; `limit-exceeded` if no memory
 *   holds the type.
 */
export function packUniform(value: UniformValue, layout: TypeLayout, name: string): Uint8Array {
  const bytes = allocate(layout, name);
  write(new DataView(bytes.buffer), 0, value, layout, name);
  return bytes;
}

function allocate(layout: TypeLayout, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(roundUpTo4(layout.byteLength));
  } catch (cause) {
    throw new Refusal(
      "limit-exceeded",
      `: "${path}" is ${typeName(layout)}, ${layout.byteLength} bytes, more than there is memory for.`,
      { cause },
    );
  }
}

function write(view: DataView, offset: number, value: UniformValue, layout: TypeLayout, path: string): void {
  switch (layout.kind) {
    case "scalar":
      return writeScalar(view, offset, value, layout.scalar, path);
    case "vector": {
      const components = listOf(value, layout.components, layout, path);
      const stride = scalarByteLength(layout.scalar);
      for (const [i, component] of components.entries()) {
        writeScalar(view, offset + i * stride, component, layout.scalar, `${path}[${i}]`);
      }
      return;
    }
    case "matrix": {
      if (Array.isArray(value) && value.some(Array.isArray)) {
        const column = columnOf(layout);
        for (const [i, given] of listOf(value, layout.columns, layout, path).entries()) {
          write(view, offset + i * layout.columnStride, given, column, `${path}[${i}]`);
        }
        return;
      }
      const flat = listOf(value, layout.columns * layout.rows, layout, path);
      const stride = scalarByteLength(layout.scalar);
      for (const [i, component] of flat.entries()) {
        const column = Math.floor(i / layout.rows);
        const at = offset + column * layout.columnStride + (i % layout.rows) * stride;
        writeScalar(view, at, component, layout.scalar, `${path}[${i}]`);
      }
      return;
    }
    case "array": {
      const elements = listOf(value, layout.count, layout, path);
      for (const [i, element] of elements.entries()) {
        write(view, offset + i * layout.stride, element, layout.element, `${path}[${i}]`);
      }
      return;
    }
    case "struct": {
      const [sole] = layout.members;
      // A struct of one member also takes that member's value, as `uniform Params { float alpha; }` does in GLSL.
      if (layout.members.length === 1 && !isObjectOf(value, sole!)) {
        return write(view, offset + sole!.offset, value, sole!.layout, path);
      }
      if (!isObject(value)) throw mismatch(path, layout, value);
      const names = layout.members.map((member) => member.name);
      const unknown = Object.keys(value).find((name) => !names.includes(name));
      if (unknown !== undefined) {
        throw new Refusal(
          "invalid-binding",
          `: "${path}" has no member "${unknown}"; ${layout.name} has ${names.map((name) => `"${name}"`).join(", ")}.`,
        );
      }
      for (const member of layout.members) {
        const given = Object.hasOwn(value, member.name) ? value[member.name] : undefined;
        if (given === undefined) {
          throw new Refusal(
            "invalid-binding",
            `: "${path}" lacks the member "${member.name}", which is ${typeName(member.layout)} in ${layout.name}.`,
          );
        }
        write(view, offset + member.offset, given, member.layout, `${path}.${member.name}`);
      }
    }
  }
}

function writeScalar(view: DataView, offset: number, value: UniformValue, scalar: ScalarType, path: string): void {
  if (scalar === "bool") {
    if (typeof value !== "boolean") throw mismatchOf(path, "bool", value);
    return view.setUint32(offset, value ? 1 : 0, true);
  }
  if (typeof value !== "number") throw mismatchOf(path, scalar, value);
  switch (scalar) {
    case "f32":
      return view.setFloat32(offset, value, true);
    case "f16":
      return view.setUint16(offset, toFloat16Bits(value), true);
    case "i32":
      if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff) throw mismatchOf(path, "i32", value);
      return view.setInt32(offset, value, true);
    case "u32":
      if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw mismatchOf(path, "u32", value);
      return view.setUint32(offset, value, true);
  }
}

function scalarByteLength(scalar: ScalarType): number {
  return scalar === "f16" ? 2 : 4;
}

function listOf(value: UniformValue, count: number, layout: TypeLayout, path: string): readonly UniformValue[] {
  if (!Array.isArray(value)) throw mismatch(path, layout, value);
  if (value.length !== count) {
    throw new Refusal("invalid-binding", `: "${path}" is ${typeName(layout)}, ${count} values; got ${value.length}.`);
  }
  return value;
}

function columnOf({ scalar, rows }: MatrixLayout): VectorLayout {
  return { kind: "vector", scalar, components: rows, byteLength: rows * scalarByteLength(scalar) };
}

/** Whether `value` is an object with `member`, or cannot be the value of `member` itself. */
function isObjectOf(value: UniformValue, member: { readonly name: string; readonly layout: TypeLayout }): boolean {
  if (!isObject(value)) return false;
  return member.layout.kind !== "struct" || Object.hasOwn(value, member.name);
}

function isObject(value: UniformValue): value is { readonly [member: string]: UniformValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mismatch(path: string, layout: TypeLayout, value: unknown): Refusal {
  return mismatchOf(path, typeName(layout), value);
}

function mismatchOf(path: string, type: string, value: unknown): Refusal {
  // A list of numbers is right for some values, so it is not what is wrong.
  const advice = Array.isArray(value) ? "" : adviseArray(value);
  return new Refusal("invalid-binding", `: "${path}" is ${type} in the shader; got ${describeValue(value)}.${advice}`);
}

/** IEEE 754 binary16, rounded once from the double, to nearest and ties to even. */
function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // Halfway from the greatest half, 65504, to the next power of two.
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below 2^-14 halves are subnormal, and all have the spacing of those at 2^-14.
  const exponent = Math.max(exponentOf(magnitude), -14);
  const units = magnitude * 2 ** (10 - exponent);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A normal half still has its leading 1024 here, which raises the exponent by one.
  return sign | (((exponent + 14) << 10) + rounded);
}

/** The exponent of a double; -1023 if it is subnormal or zero. */
function exponentOf(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return ((view.getUint16(0) >>> 4) & 0x7ff) - 1023;
}
