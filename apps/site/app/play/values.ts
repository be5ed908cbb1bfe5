/** Reads what the fields of the playground say. */

import type { UniformValue } from "@kiln-gpu/core";
import type { BindingInfo, ScalarType, TypeLayout } from "@kiln-gpu/core/backend";

export type Elements = Float32Array | Int32Array | Uint32Array | Uint16Array;
export type ElementType = "f32" | "i32" | "u32" | "f16";

const constructors = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, f16: Uint16Array } as const;
const maxElements = 2 ** 24;

export const constructorOf = (type: ElementType) => constructors[type];

/** The scalar type of an array's elements; the first one of a struct of several, which takes an array of any of them. */
export function elementTypeOf(layout: TypeLayout): ElementType {
  const [first] = scalarsOf(layout);
  return first === undefined || first === "bool" ? "u32" : first;
}

function scalarsOf(layout: TypeLayout): Set<ScalarType> {
  if (layout.kind === "array") return scalarsOf(layout.element);
  if (layout.kind !== "struct") return new Set([layout.scalar]);
  return new Set(layout.members.flatMap((member) => [...scalarsOf(member.layout)]));
}

/** How WGSL writes the type. */
export function typeText(layout: TypeLayout): string {
  if (layout.kind === "scalar") return layout.scalar;
  if (layout.kind === "vector") return `vec${layout.components}<${layout.scalar}>`;
  if (layout.kind === "matrix") return `mat${layout.columns}x${layout.rows}<${layout.scalar}>`;
  if (layout.kind === "struct") return layout.name;
  return `array<${typeText(layout.element)}${layout.count > 0 ? `, ${layout.count}` : ""}>`;
}

/**
 * Reads a list of numbers, or one of the generators.
 * @throws {Error} that says what can be written.
 */
export function parseElements(text: string, type: ElementType): Elements {
  const call = /^\s*(ramp|random|zeros)\s*\(([^)]*)\)\s*$/.exec(text);
  if (!call) return listOf(text, type);
  const numbers = call[2]!.split(",").map((part) => Number(part));
  if (numbers.some((number) => !Number.isFinite(number))) throw new Error(`"${text.trim()}" needs numbers.`);
  if (call[1] === "random") {
    const [seed = 1, length = 0] = numbers;
    return generated(type, length, randomOf(seed, type));
  }
  const [length = 0, step = 1] = numbers;
  return generated(type, length, call[1] === "ramp" ? (i) => i * step : () => 0);
}

function generated(type: ElementType, length: number, value: (i: number) => number): Elements {
  if (!Number.isSafeInteger(length) || length < 1 || length > maxElements) {
    throw new Error(`The number of elements must be a whole number from 1 to ${maxElements}; got ${length}.`);
  }
  const array = new constructors[type](length);
  for (let i = 0; i < length; i += 1) array[i] = value(i);
  return array;
}

/** PCG: the same numbers for the same seed, everywhere. Floats lie between 0 and 1, integers below 100. */
function randomOf(seed: number, type: ElementType): () => number {
  let state = Math.imul(seed, 747796405) + 2891336453;
  return () => {
    state = (Math.imul(state, 747796405) + 2891336453) >>> 0;
    const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
    const bits = ((word >>> 22) ^ word) >>> 0;
    return type === "f32" ? (bits >>> 8) / 2 ** 24 : bits % 100;
  };
}

function listOf(text: string, type: ElementType): Elements {
  const parts = text
    .replace(/^\s*\[|\]\s*$/g, "")
    .split(/[\s,;]+/)
    .filter(Boolean);
  const numbers = parts.map((part) => Number(part));
  const wrong = parts.find((part, i) => Number.isNaN(numbers[i]) && !/^nan$/i.test(part));
  if (parts.length === 0 || wrong !== undefined) {
    const given = wrong === undefined ? "nothing" : `"${wrong}"`;
    throw new Error(`Write numbers, such as 1, 2, 3, or ramp(100), random(1, 100), zeros(100); got ${given}.`);
  }
  return constructors[type].from(numbers);
}

/** Reads the value of a uniform: a number, numbers with commas, or JSON. */
export function parseUniform(text: string, layout: TypeLayout): UniformValue {
  if (/^\s*[[{]/.test(text)) {
    try {
      return JSON.parse(text) as UniformValue;
    } catch (cause) {
      throw new Error(`"${text.trim()}" is no JSON.`, { cause });
    }
  }
  if (layout.kind === "scalar" && /^\s*(true|false)\s*$/.test(text)) return text.trim() === "true";
  const numbers = text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  if (numbers.length === 0 || numbers.some((number) => Number.isNaN(number))) {
    throw new Error(
      `Write ${layout.kind === "scalar" ? "a number" : "numbers, such as 1, 2, 3"}; got "${text.trim()}".`,
    );
  }
  return layout.kind === "scalar" ? numbers[0]! : numbers;
}

/** The fields of a uniform: one for each member of a struct, or one for all. */
export function fieldsOf({
  name,
  layout,
}: BindingInfo): { readonly key: string; readonly member?: string; readonly layout: TypeLayout }[] {
  if (layout.kind !== "struct") return [{ key: name, layout }];
  return layout.members.map((member) => ({
    key: `${name}.${member.name}`,
    member: member.name,
    layout: member.layout,
  }));
}

export function defaultUniform(layout: TypeLayout): string {
  if (layout.kind === "scalar") return layout.scalar === "bool" ? "false" : "1";
  if (layout.kind === "vector") return new Array(layout.components).fill(1).join(", ");
  if (layout.kind === "matrix") {
    const { columns, rows } = layout;
    return Array.from({ length: columns * rows }, (_, i) => (Math.floor(i / rows) === i % rows ? 1 : 0)).join(", ");
  }
  return JSON.stringify(defaultJson(layout));
}

function defaultJson(layout: TypeLayout): UniformValue {
  if (layout.kind === "array") return Array.from({ length: layout.count }, () => defaultJson(layout.element));
  if (layout.kind === "struct") {
    return Object.fromEntries(layout.members.map((member) => [member.name, defaultJson(member.layout)]));
  }
  const text = defaultUniform(layout);
  return layout.kind === "scalar" ? Number(text === "false" ? 0 : text) : text.split(",").map(Number);
}

/** Elements of a binding whose type has a length. */
export function fixedLengthOf(layout: TypeLayout): number | undefined {
  if (layout.kind === "array" && layout.count === 0) return undefined;
  if (layout.kind === "struct") {
    const last = layout.members.at(-1)?.layout;
    if (last?.kind === "array" && last.count === 0) return undefined;
  }
  return layout.byteLength / (elementTypeOf(layout) === "f16" ? 2 : 4);
}
