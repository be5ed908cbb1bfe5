import { roleOf } from "../bindings/binding-role.js";
import type {
  Bindings,
  Bytes,
  Inout,
  LeasedOutput,
  Output,
  TypedArray,
  TypedArrayConstructor,
} from "../bindings/bindings.js";
import { adviseArray, describeValue, withArticle } from "../bindings/describe-value.js";
import { isRole, ownValue } from "../bindings/is-role.js";
import { arrayTypeOf, isSameType, refuseDetached } from "../bindings/typed-arrays.js";
import type { DeviceLimits } from "../contract/compute-backend.js";
import { named, Refusal } from "../errors/refusal.js";
import { arraysOf, byteArrays } from "../shader/array-types.js";
import {
  type BindingInfo,
  minByteLengthOf,
  runtimeArrayOf,
  type TypeLayout,
  typeName,
  uniformScalarOf,
} from "../shader/shader-interface.js";

const mixedArrays: readonly string[] = ["Float32Array", "Int32Array", "Uint32Array", "Uint16Array", "Float16Array"];

/** The names of the arrays that hold elements of `layout`. */
export function expectedArrays(layout: TypeLayout): readonly string[] {
  const scalar = uniformScalarOf(layout);
  return scalar ? arraysOf[scalar] : mixedArrays;
}

/**
 * Checks a typed array's type and length against the shader's declaration.
 * @param isNamed Whether the caller named the array's type, as in `output(Uint8Array, n)`, or wrapped the array in
 *   `bytes`.
 */
export function checkArray(
  name: string,
  arrayName: string,
  byteLength: number,
  info: BindingInfo,
  isNamed: boolean,
): void {
  const { layout } = info;
  const expected = expectedArrays(layout);
  const isByteArray = byteArrays.includes(arrayName);
  if (!expected.includes(arrayName) && !(isByteArray && isNamed)) {
    const advice = isByteArray ? ` If these are the bytes of its elements, say so: bytes(${name}).` : "";
    throw new Refusal(
      "invalid-binding",
      `declares "${name}" as ${typeName(layout)}, which takes ${withArticle(expected.join(" or "))}; ` +
        `got ${withArticle(arrayName)}.${advice}`,
    );
  }
  const runtime = runtimeArrayOf(layout);
  if (!runtime) {
    if (byteLength !== layout.byteLength) {
      throw new Refusal(
        "invalid-binding",
        `declares "${name}" as ${typeName(layout)}, ${layout.byteLength} bytes; got ${byteLength} bytes.`,
      );
    }
    return;
  }
  const { offset, array } = runtime;
  const elements = byteLength - offset;
  if (elements <= 0 || elements % array.stride !== 0) {
    const header = offset === 0 ? "" : ` after the ${offset} bytes before its array`;
    const padding =
      array.element.kind === "vector" && array.element.components === 3
        ? " Elements of three components are padded to four."
        : "";
    throw new Refusal(
      "invalid-binding",
      `declares "${name}" as ${typeName(layout)}, whole elements of ${array.stride} bytes${header}; ` +
        `got ${byteLength} bytes.${padding}`,
    );
  }
  if (byteLength % 4 !== 0) {
    throw new Refusal(
      "invalid-binding",
      `declares "${name}" as ${typeName(layout)}; WebGPU binds multiples of 4 bytes, so the shader's ` +
        `arrayLength would count the padding after the ${byteLength} bytes given. Give an even number of elements.`,
    );
  }
}

/** Checks the number of bytes to bind against the type's minimum and the device's limits. */
export function checkLength(name: string, byteLength: number, info: BindingInfo, limits: DeviceLimits): void {
  const least = minByteLengthOf(info.layout);
  if (byteLength < least) {
    throw new Refusal(
      "invalid-binding",
      `declares "${info.name}" as ${typeName(info.layout)}, at least ${least} bytes; "${name}" has ${byteLength}.`,
    );
  }
  const exceeded = tooLong(name, byteLength, info.kind, limits);
  if (exceeded !== undefined) throw new Refusal("limit-exceeded", exceeded);
}

/** The limit that a buffer of this many bytes exceeds, as a sentence without its subject. */
export function tooLong(
  name: string,
  byteLength: number,
  kind: BindingInfo["kind"],
  limits: DeviceLimits,
): string | undefined {
  const ofKind = kind === "uniform" ? "maxUniformBufferBindingSize" : "maxStorageBufferBindingSize";
  const limitName = limits[ofKind] <= limits.maxBufferSize ? ofKind : "maxBufferSize";
  const limit = limits[limitName];
  if (byteLength <= limit) return undefined;
  return `binds "${name}" with ${byteLength} bytes; this device binds at most ${limit} (${limitName}).`;
}

/**
 * Checks that lengths are valid and that nothing is empty. If every result is empty, there is nothing to compute.
 * @param writtenNames The names of the bindings that the shaders write, as far as they are known.
 */
export function checkEmptiness(
  bindings: Bindings,
  writtenNames: () => readonly string[] = () => [],
): "all-empty" | "some" {
  let results = 0;
  let residents = 0;
  const empty: string[] = [];
  let emptyInput: string | undefined;
  for (const name in bindings) {
    const value = bindings[name];
    const role = roleOf(value);
    if (ArrayBuffer.isView(value) || role === "bytes") {
      const input = role === "bytes" ? (value as Bytes).data : (value as TypedArray);
      if (input.byteLength > 0) continue;
      refuseDetached(name, input);
      emptyInput ??= name;
      continue;
    }
    if (role === "resident") residents += 1;
    if (role === "output" || role === "lease") checkOutput(name, value as Output | LeasedOutput);
    else if (role === "inout") checkInout(name, value as Inout);
    else continue;
    results += 1;
    if ((role === "inout" ? (value as Inout).data : (value as Output)).length === 0) empty.push(name);
  }
  if (results + residents === 0) {
    throw nothingReturned(bindings, writtenNames());
  }
  if (results > 0 && residents === 0 && empty.length === results) return "all-empty";
  if (empty.length > 0) {
    throw new Refusal("invalid-binding", `is given "${empty[0]}" with no elements, but other results have some.`);
  }
  if (emptyInput !== undefined) {
    throw new Refusal("invalid-binding", `is given "${emptyInput}" with no elements; WebGPU binds at least 4 bytes.`);
  }
  return "some";
}

function nothingReturned(bindings: Bindings, writtenNames: readonly string[]): Refusal {
  const given = writtenNames.map((name) => {
    const value = ownValue(bindings, name);
    return value === undefined ? `"${name}" is missing` : `"${name}" is given ${describeValue(value)}`;
  });
  return new Refusal(
    "invalid-binding",
    `returns nothing${given.length > 0 ? `: ${given.join(", ")}` : ""}. Ask for a result with ` +
      "`output(Type, length)`, `lease(Type, length)` or `inout(data)`, or bind a resident array.",
  );
}

function checkOutput(name: string, value: Output | LeasedOutput): void {
  if (!Number.isSafeInteger(value.length) || value.length < 0) {
    throw new Refusal(
      "invalid-binding",
      `: the length of output "${name}" must be a whole number, 0 or more; got ${describeValue(value.length)}.`,
    );
  }
  if (typeof value.type !== "function" || !(value.type.BYTES_PER_ELEMENT > 0)) {
    throw new Refusal(
      "invalid-binding",
      `: the type of output "${name}" must be a typed array's constructor, such as Float32Array; ` +
        `got ${describeValue(value.type)}.`,
    );
  }
}

/** Checks that a result fits the array that it is to be written into. */
export function checkInto(
  name: string,
  type: TypedArrayConstructor,
  length: number,
  into: TypedArray | undefined,
): void {
  if (into === undefined) return;
  const isArray = ArrayBuffer.isView(into);
  if (isArray && isSameType(arrayTypeOf(into), type) && into.length === length) return;
  const given = isArray ? `${withArticle(into.constructor.name)} of ${into.length}` : describeValue(into);
  throw new Refusal(
    "invalid-binding",
    `returns "${name}" as ${withArticle(type.name)} of ${length}; \`into\` is ${given}.${adviseArray(into, type.name)}`,
  );
}

/** Checks that no array receives two results. */
export function checkIntos(bindings: Bindings): void {
  let first: string | undefined;
  let others: Map<TypedArray, string> | undefined;
  for (const name in bindings) {
    const into = intoOf(bindings[name]);
    if (!into) continue;
    const other = first !== undefined && intoOf(bindings[first]) === into ? first : others?.get(into);
    if (other !== undefined) {
      throw new Refusal(
        "invalid-binding",
        `is given one array as \`into\` of both "${other}" and "${name}"; each result needs its own array.`,
      );
    }
    if (first === undefined) first = name;
    else (others ??= new Map()).set(into, name);
  }
}

/**
 * Checks every array that a result is to be written into, for a backend that plans its runs elsewhere.
 * @throws {ComputeError} `invalid-binding`.
 */
export function checkResultArrays(subject: string, bindings: Bindings): void {
  named(subject, () => {
    for (const name in bindings) {
      const value = bindings[name]!;
      // What is not valid otherwise is refused where the run is planned.
      if (isRole(value, "output") && typeof value.type === "function") {
        checkInto(name, value.type, value.length, value.into);
      } else if (isRole(value, "inout") && ArrayBuffer.isView(value.data)) {
        checkInto(name, arrayTypeOf(value.data), value.data.length, value.into);
      }
    }
    checkIntos(bindings);
  });
}

function intoOf(value: unknown): TypedArray | undefined {
  const { into } = (value ?? {}) as Partial<Output>;
  return ArrayBuffer.isView(into) ? into : undefined;
}

function checkInout(name: string, value: Inout): void {
  if (!ArrayBuffer.isView(value.data) || !("length" in value.data)) {
    throw new Refusal(
      "invalid-binding",
      `: inout "${name}" must be a typed array; got ${describeValue(value.data)}.${adviseArray(value.data)}`,
    );
  }
  if (value.data.length === 0) refuseDetached(name, value.data);
}
