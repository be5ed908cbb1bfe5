/**
 * Values of bindings as JSON and arrays. Everything that a caller can bind travels, also what a backend refuses: the
 * backend's error then describes the same value that the caller gave.
 */
import {
  type Bytes,
  bytes,
  ComputeError,
  type Inout,
  inout,
  lease,
  type Output,
  output,
  type TypedArray,
  type TypedArrayConstructor,
  temporary,
} from "@kiln-gpu/core";
import { arrayTypeOf, bytesOf, roleOf } from "@kiln-gpu/core/backend";
import { invalidFrame } from "./frame.js";

/** JSON as it is written and read here. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** WGSL nests types 15 deep. */
const maxDepth = 64;
const maxValues = 4_000_000;

const arrayNames: readonly string[] = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Float16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "DataView",
];

/** Writes values; `arrays` collects the bytes of typed arrays, which are not copied. */
export class ValueWriter {
  readonly arrays: Uint8Array[] = [];
  #values = 0;

  /** @throws {ComputeError} `invalid-binding` for more values than any shader type has. */
  write(value: unknown, depth = 0): Json {
    this.#values += 1;
    if (this.#values > maxValues) {
      throw new ComputeError("invalid-binding", `A run has more than ${maxValues} plain values; give typed arrays.`);
    }
    switch (typeof value) {
      case "boolean":
      case "string":
        return value;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : { is: "number", text: Object.is(value, -0) ? "-0" : String(value) };
      case "undefined":
        return { is: "undefined" };
      case "bigint":
        return { is: "bigint", text: String(value) };
      case "symbol":
        return { is: "symbol", text: value.description ?? "" };
      case "function":
        return this.#writeFunction(value as unknown as TypedArrayConstructor);
      default:
        return value === null ? null : this.#writeObject(value as object, depth);
    }
  }

  #writeFunction(value: TypedArrayConstructor): Json {
    const { name, BYTES_PER_ELEMENT: bytesPerElement } = value;
    if (arrayNames.includes(name) && bytesPerElement > 0) return { is: "type", name };
    return { is: "function", name: String(name), ...(bytesPerElement > 0 && { bytesPerElement }) };
  }

  #writeObject(value: object, depth: number): Json {
    if (ArrayBuffer.isView(value)) return this.#writeArray(value as TypedArray);
    const role = roleOf(value);
    if (role !== undefined) return this.#writeRole(role, value, depth);
    const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (depth >= maxDepth) return { is: "other", tag };
    if (Array.isArray(value)) return Array.from(value, (each) => this.write(each, depth + 1));
    if (tag !== "Object") return { is: "other", tag };
    return { is: "object", entries: Object.entries(value).map(([name, each]) => [name, this.write(each, depth + 1)]) };
  }

  #writeArray(data: TypedArray): Json {
    const { name } = arrayTypeOf(data);
    if (!arrayNames.includes(name)) return { is: "other", tag: name };
    return { is: "array", type: name, at: this.arrays.push(bytesOf(data)) - 1 };
  }

  #writeRole(role: string, value: object, depth: number): Json {
    const { type, length, data, isBytes, countedBy } = value as Partial<Output & Inout & Bytes>;
    if (role === "bytes") return { is: role, data: this.write(data, depth + 1) };
    if (role === "inout") return { is: role, data: this.write(data, depth + 1), isBytes: isBytes === true };
    if (role === "staged" || role === "resident") return { is: "other", tag: "Object" };
    const counted = countedBy === undefined ? {} : { countedBy: this.write(countedBy, depth + 1) };
    return { is: role, type: this.write(type, depth + 1), length: this.write(length, depth + 1), ...counted };
  }
}

/** Reads what a `ValueWriter` wrote. */
export class ValueReader {
  readonly #arrays: readonly Uint8Array[];

  constructor(arrays: readonly Uint8Array[]) {
    this.#arrays = arrays;
  }

  /** @throws {ComputeError} `invalid-frame`. */
  read(json: unknown, depth = 0): unknown {
    if (typeof json !== "object" || json === null) return json;
    // Objects with a role are one deeper than the values in them.
    if (depth > 2 * maxDepth) throw invalidFrame("has values that are nested too deep");
    if (Array.isArray(json)) return json.map((each) => this.read(each, depth + 1));
    const { is, ...given } = json as { readonly [name: string]: unknown };
    switch (is) {
      case "number":
        return numberOf(given.text);
      case "undefined":
        return undefined;
      case "bigint":
        return bigintOf(given.text);
      case "symbol":
        return Symbol(textOf(given.text));
      case "type":
        return typeNamed(given.name);
      case "function":
        return functionNamed(given.name, given.bytesPerElement);
      case "object":
        return this.#readObject(given.entries, depth);
      case "other":
        return Object.freeze({ [Symbol.toStringTag]: textOf(given.tag) });
      case "array":
        return this.#readArray(given.type, given.at);
      case "bytes":
        return bytes(this.#readBytes(given.data, depth));
      case "inout":
        return this.#readInout(given.data, given.isBytes, depth);
      case "output":
      case "lease":
      case "temporary": {
        const make = { output, lease, temporary }[is];
        const options = given.countedBy === undefined ? {} : { length: this.read(given.countedBy, depth + 1) as never };
        // Their checks come with the plan of the run, which refuses types and lengths of any kind.
        return make(this.read(given.type, depth + 1) as never, this.read(given.length, depth + 1) as never, options);
      }
      default:
        throw invalidFrame(`has a value of an unknown kind, ${JSON.stringify(is)?.slice(0, 40)}`);
    }
  }

  #readObject(entries: unknown, depth: number): object {
    if (!Array.isArray(entries)) throw invalidFrame("has an object without entries");
    const object: { [name: string]: unknown } = {};
    for (const entry of entries as readonly unknown[]) {
      if (!Array.isArray(entry) || typeof entry[0] !== "string") throw invalidFrame("has an entry without a name");
      setOwn(object, entry[0], this.read(entry[1], depth + 1));
    }
    return object;
  }

  #readArray(type: unknown, at: unknown): ArrayBufferView {
    const data = Number.isInteger(at) ? this.#arrays[at as number] : undefined;
    if (!data) throw invalidFrame(`has ${this.#arrays.length} arrays, and none at ${String(at).slice(0, 20)}`);
    return viewOf(textOf(type), data);
  }

  #readBytes(json: unknown, depth: number): Uint8Array {
    const data = this.read(json, depth + 1);
    if (data instanceof Uint8Array) return data;
    throw invalidFrame("has bytes that are not a Uint8Array");
  }

  #readInout(json: unknown, isBytes: unknown, depth: number): Inout {
    if (isBytes === true) return inout(bytes(this.#readBytes(json, depth)));
    return inout(this.read(json, depth + 1) as TypedArray);
  }
}

/**
 * A view of `data` as an array of the type of this name.
 * @throws {ComputeError} `invalid-frame` if there is no such type, or `data` is not whole elements of it.
 */
export function viewOf(name: string, data: Uint8Array): ArrayBufferView {
  const type = typeNamed(name);
  const size = type.BYTES_PER_ELEMENT ?? 1;
  if (data.byteLength % size !== 0) throw invalidFrame(`has ${data.byteLength} bytes for a ${name}`);
  const isAligned = data.byteOffset % size === 0;
  // Not `slice`, which shares the memory of a `Buffer`.
  const { buffer, byteOffset } = isAligned ? data : new Uint8Array(data);
  return new type(buffer as ArrayBuffer, byteOffset, data.byteLength / size);
}

/** The type of this name. Where there is no `Float16Array`, its bits are given as numbers, which shaders take as well. */
function typeNamed(name: unknown): TypedArrayConstructor {
  if (!arrayNames.includes(name as string)) {
    throw invalidFrame(`asks for an array, and there is no type of arrays named ${JSON.stringify(name)?.slice(0, 40)}`);
  }
  const types = globalThis as unknown as { readonly [name: string]: TypedArrayConstructor | undefined };
  return types[name as string] ?? (Uint16Array as unknown as TypedArrayConstructor);
}

function functionNamed(name: unknown, bytesPerElement: unknown): unknown {
  const value = () => undefined;
  Object.defineProperty(value, "name", { value: textOf(name) });
  if (typeof bytesPerElement === "number") Object.assign(value, { BYTES_PER_ELEMENT: bytesPerElement });
  return value;
}

function numberOf(text: unknown): number {
  if (["NaN", "-0", "Infinity", "-Infinity"].includes(text as string)) return Number(text);
  throw invalidFrame("has a text where a number is expected");
}

function bigintOf(text: unknown): bigint {
  if (typeof text === "string" && /^-?\d{1,1000}$/.test(text)) return BigInt(text);
  throw invalidFrame("has a text where a bigint is expected");
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw invalidFrame("lacks a text");
}

/** Assigns, also to the name "__proto__". */
export function setOwn<T>(target: { [name: string]: T }, name: string, value: T): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
