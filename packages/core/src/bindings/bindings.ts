/**
 * What a caller binds to the names in a shader. A bare typed array is an input; `output` and `inout` come back as
 * results; numbers, arrays of numbers and plain objects fill uniforms.
 */

import { ComputeError } from "../errors/compute-error.js";
import { bindingRole } from "./binding-role.js";
import { bytesOf } from "./bytes-of.js";
import { checkOptionNames, optionNames } from "./check-options.js";
import { adviseArray, describeValue } from "./describe-value.js";

/**
 * Global types that the declarations of Kiln name and a library of TypeScript may lack: `lib: ["ES2022"]` has none of
 * them. Each merges with the real one. The interfaces without members are only names here.
 */
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
  interface AbortSignal {}
  interface GPUBuffer {}
  interface GPUCommandEncoder {}
}

/** Any of the typed arrays a shader type maps to; `Float16Array` (Node 24, browsers) has this shape too. */
export interface TypedArray extends ArrayBufferView {
  readonly length: number;
  readonly BYTES_PER_ELEMENT: number;
  [index: number]: number;
  [Symbol.iterator](): IterableIterator<number>;
}

export interface TypedArrayConstructor<T extends TypedArray = TypedArray> {
  new (length: number): T;
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): T;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
}

/** A result: `length` elements of `type`, zero wherever the kernel does not write. */
export interface Output<T extends TypedArray = TypedArray> {
  readonly [bindingRole]: "output";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  readonly into?: T | undefined;
  /** The name of the result whose first element says how many of the elements come back. */
  readonly countedBy?: string | undefined;
}

/** Uploaded before the run and returned after it; `data` itself is never written, unless it is `into` as well. */
export interface Inout<T extends TypedArray = TypedArray> {
  readonly [bindingRole]: "inout";
  /** The length of `data`. Every binding has a length, so a kernel's functions can read it whatever is bound. */
  readonly length: number;
  readonly data: T;
  /** Whether `data` came from `bytes`, and so may be bound to any shader type. */
  readonly isBytes: boolean;
  readonly into?: T | undefined;
}

/** The arrays whose elements are bytes; no shader type has such elements. */
export type ByteArray = Uint8Array | Uint8ClampedArray;

export interface InoutBytes extends Inout<Uint8Array> {
  readonly isBytes: true;
}

/**
 * Input memory that is already mapped, from a backend's `stage`. Fill `data`, then bind the handle: nothing is copied
 * on the host. A handle serves one run. Binding hands the memory to that run, even if the run fails later; after a run
 * that is refused before it begins, the handle can be bound again. A kernel's functions (`threads`, `passes`) see its
 * `type` and `length`, not its elements.
 */
export interface Staged<T extends TypedArray = TypedArray> extends Disposable {
  readonly [bindingRole]: "staged";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  /**
   * Write all of it: it starts with the bytes of an earlier upload.
   * @throws {ComputeError} `disposed` once the handle is bound or released, or its backend is disposed.
   */
  readonly data: T;
  /** Gives back memory that will not be bound; does nothing once the handle is bound. */
  release(): void;
}

/** An input given as the bytes that the shader reads, whatever its type there. Made by `bytes`. */
export interface Bytes {
  readonly [bindingRole]: "bytes";
  readonly data: Uint8Array;
  /** The number of bytes. */
  readonly length: number;
}

/** A part of an array; all of it by default. */
export interface ArrayRange {
  /**
   * The first element.
   * @default 0
   */
  readonly start?: number;
  /** Elements; by default all from `start` to the end. */
  readonly length?: number;
}

/**
 * An array that stays on the GPU, from a backend's `array`. A run that binds it reads or writes it in place: nothing is
 * copied, and it is not among the run's results. Runs, reads, writes and copies that share an array happen in the order
 * of their calls if at least one of them writes it. When one fails, those called before its failure was known fail too,
 * because they were to work on what it would have written. It counts towards the backend's byte budget until it is
 * disposed.
 */
export interface ResidentArray<T extends TypedArray = TypedArray> extends Disposable {
  readonly [bindingRole]: "resident";
  /** Names it in errors. */
  readonly label?: string | undefined;
  readonly type: TypedArrayConstructor<T>;
  /** Elements. */
  readonly length: number;
  /**
   * Resolves with a copy of the elements in `range`, as all earlier calls leave them.
   * @param range May name `into`, an array as long as the range that receives the elements.
   * @throws {ComputeError} `invalid-option` for a range that does not fit; `disposed`; `out-of-memory`; `device-lost`.
   */
  read(range?: ArrayRange & ResultOptions<T>): Promise<T>;
  /**
   * Like `read`, without the copy: resolves with the elements in memory mapped from the device, which can be read until
   * the lease is released.
   * @throws {ComputeError} As `read`.
   */
  lease(range?: ArrayRange): Promise<Lease<T>>;
  /**
   * Overwrites the elements from `start` on with `data`, which is borrowed until this resolves.
   * @param start 0 by default. The elements written begin and end on multiples of 4 bytes, or end where the array ends.
   * @throws {ComputeError} `invalid-option` if `data` does not fit; `disposed`; `out-of-memory`; `device-lost`.
   */
  write(data: T, start?: number): Promise<void>;
  /**
   * Overwrites the elements from `start` on with those in `range` of `source`, an array of the same type, on the GPU.
   * The elements copied begin and end on multiples of 4 bytes, as in `write`.
   * @throws {ComputeError} `invalid-option` if they do not fit, or `source` is this array or another backend's;
   *   `disposed`; `device-lost`.
   */
  copyFrom(source: ResidentArray, range?: ArrayRange, start?: number): Promise<void>;
  /**
   * Lends the array's buffer to commands that are not Kiln's. The use has a position in the order of the array's uses,
   * like a run: no later call that conflicts with it is submitted before it has ended. `callback` is called once, when
   * all earlier calls that conflict with it have ended. It records into `encoder`, which is submitted as soon as it
   * returns, or it submits commands of its own to the device's queue.
   * @param callback If it returns a promise, the use lasts until that settles; it cannot wait for a later use of this
   *   array. `buffer` may be longer than the array. Do not keep it: once the array is disposed, its memory is lent to
   *   other arrays.
   * @returns What `callback` returns, once the device has done the commands in `encoder`.
   * @throws {ComputeError} `invalid-option` with the cause if `callback` throws, or its promise rejects;
   *   `invalid-kernel` if the device refuses the commands; `disposed`; `device-lost`. If the use may write, later uses
   *   fail with it.
   */
  use<R>(callback: (buffer: GPUBuffer, encoder: GPUCommandEncoder) => R, options?: UseOptions): Promise<Awaited<R>>;
  /** Frees the memory once all earlier calls are done with it; a second call does nothing. */
  dispose(): void;
}

export interface UseOptions {
  /**
   * What the commands do with the array. Uses that read it may happen at the same time.
   * @default "read-write"
   */
  readonly access?: "read" | "read-write";
}

export const useOptionNames = /* @__PURE__ */ optionNames<UseOptions>({ access: true });

export interface ResultOptions<T extends TypedArray> {
  /**
   * An array of the same type and length that receives the result in place of a new one; the run resolves with it. It
   * is written just before the run resolves, and never when the run rejects.
   */
  readonly into?: T;
}

export interface OutputOptions<T extends TypedArray> extends ResultOptions<T> {
  /**
   * The name of another result of the run, a `Uint32Array`, whose first element says how many elements the kernel has
   * written. The result then has that length, and the `length` of `output` is the most that it can have. A count above
   * that rejects the run with `limit-exceeded`. With `into`, which has room for the most, the result is a view of its
   * beginning.
   * @default All elements.
   */
  readonly length?: string;
}

const outputOptionNames = /* @__PURE__ */ optionNames<OutputOptions<TypedArray>>({ into: true, length: true });
const resultOptionNames = /* @__PURE__ */ optionNames<ResultOptions<TypedArray>>({ into: true });

/** A result that is read in place, in memory mapped from the device, instead of copied. */
export interface LeasedOutput<T extends TypedArray = TypedArray> {
  readonly [bindingRole]: "lease";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
}

/** Result memory that its reader gives back. Until then it counts towards the backend's byte budget. */
export interface Lease<T extends TypedArray = TypedArray> extends Disposable {
  /**
   * For reading only: what is written to it is lost.
   * @throws {ComputeError} `disposed` once the lease was released, or its backend disposed.
   */
  readonly data: T;
  /** Gives the memory back; a second call does nothing. */
  release(): void;
}

/** GPU memory that lives for one run, between the passes of a kernel; zero at the start. */
export interface Temporary {
  readonly [bindingRole]: "temporary";
  readonly type: TypedArrayConstructor;
  readonly length: number;
}

/** A scalar, a vector or matrix (column by column) as numbers, or a struct as an object of its members. */
export type UniformValue = number | boolean | readonly UniformValue[] | { readonly [member: string]: UniformValue };

export type BindingValue = TypedArray | Bytes | Output | LeasedOutput | Inout | Staged | ResidentArray | UniformValue;

/** What a run binds, by the shader's own names. */
export type Bindings = { readonly [name: string]: BindingValue };

/**
 * What may be bound where a kernel declares `K`: staged memory in place of an input array, a lease in place of an
 * output, and a resident array in place of any array.
 */
export type Accepted<K, B = unknown> = {
  readonly [Name in keyof K]: Name extends keyof B
    ? AcceptedFor<Name, AcceptedValue<K[Name]>, B[Name]>
    : AcceptedValue<K[Name]>;
};

type AcceptedValue<V> = BindingValue extends V ? V : V | InPlaceOf<V>;

/**
 * `V`; or, where elements of another type are given, what the binding takes. That is a text, because an error about two
 * arrays goes on about their methods, line after line.
 */
type AcceptedFor<Name, V, Given> = [Given] extends [V]
  ? V
  : [ElementsOf<Given>] extends [ElementsTaken<V>]
    ? V
    : `${Name & string} takes ${NameOf<ElementsTaken<V>> | (Bytes extends V ? "bytes(data)" : never)}`;

/** The array that is given, in whatever form; `never` for other values. */
type ElementsOf<V> = V extends ArrayBufferView ? V : V extends InPlace<infer T> ? T : ArrayOf<V>;

type InPlace<T extends TypedArray> = LeasedOutput<T> | Staged<T> | ResidentArray<T>;

/** Arrays of bytes only come with their name, as `bytes(data)`. */
type ElementsTaken<V> = Bytes extends V ? Exclude<ArrayOf<V>, ByteArray> : ArrayOf<V>;

type NameOf<T> = T extends { readonly [Symbol.toStringTag]: infer Name extends string } ? Name : never;

/**
 * Maps every key of `B` that `K` does not declare to an impossible type, so that excess bindings are compile errors
 * even outside object literals. Maps nothing while a required binding is missing: that error names the likely binding.
 */
export type NoOthers<K, B> = {
  readonly [Name in RequiredOf<K> extends keyof B ? Exclude<keyof B, NamesOf<K>> : never]: UnknownBinding<
    Name,
    NamesOf<K>
  >;
};

interface UnknownBinding<Given, Known> {
  readonly given: Given;
  readonly known: Known;
}

type NamesOf<K> = K extends unknown ? keyof K : never;

type RequiredOf<K> = { [Name in keyof K]-?: Partial<K> extends Pick<K, Name> ? never : Name }[keyof K];

type InPlaceOf<V> =
  | IfAny<InputArrayOf<V>, Staged<InputArrayOf<V>>>
  | IfAny<OutputArrayOf<V>, LeasedOutput<OutputArrayOf<V>>>
  | IfAny<ArrayOf<V>, ResidentArray<ArrayOf<V>>>;

type InputArrayOf<V> = Extract<V, TypedArray> | (Bytes extends V ? ByteArray : never);

/** The arrays that go in or come back where a kernel declares `V`. */
export type ArrayOf<V> = InputArrayOf<V> | OutputArrayOf<V> | (V extends Inout<infer T> ? T : never);

type OutputArrayOf<V> = V extends Output<infer T> ? T : never;

/** `Then`, or `Else` where `T` is `never`. */
export type IfAny<T, Then, Else = never> = [T] extends [never] ? Else : Then;

/**
 * What a kernel's functions see of the bindings that they are given. An input that may be a plain value (a number, a
 * list, an object of a struct's members) is typed as that value, so that its members can be read.
 */
export type Seen<B> = { readonly [Name in keyof B]: SeenValue<B[Name]> };

type SeenValue<V> = [Extract<V, Output>] extends [never] ? IfAny<PlainOf<V>, PlainOf<V>, V> : V;

type PlainOf<V> = V extends ArrayBufferView | { readonly [bindingRole]: unknown } | undefined ? never : V;

/**
 * The results of a run, typed from what was bound: a typed array for each `output` and `inout`, a `Lease` for each
 * `lease`. A binding whose declared type leaves open whether it comes back is typed as if it does.
 */
export type Results<B> = {
  [Name in keyof B as [ResultsIn<Name, B[Name]>] extends [never] ? never : Name]: ResultOf<ResultsIn<Name, B[Name]>>;
};

/** What may come back of `V`. Nothing is known of a name that is any string. */
type ResultsIn<Name, V> = string extends Name
  ? [V] extends [Output | LeasedOutput | Inout]
    ? V
    : never
  : Extract<V, Output | LeasedOutput | Inout>;

type ResultOf<V> =
  V extends Output<infer T> ? T : V extends Inout<infer T> ? T : V extends LeasedOutput<infer T> ? Lease<T> : never;

/**
 * Asks for a result of `length` elements, or of as many as the kernel counts, up to `length`.
 * @example `output(Float32Array, 1024)`
 * @example `{ found: output(Uint32Array, 1024, { length: "count" }), count: output(Uint32Array, 1) }`
 */
export function output<T extends TypedArray>(
  type: TypedArrayConstructor<T>,
  length: number,
  options: OutputOptions<T> = {},
): Output<T> {
  checkOptionNames("output", options, outputOptionNames);
  const { into, length: countedBy } = options;
  const result: Output<T> = { [bindingRole]: "output", type, length, into, countedBy };
  return Object.freeze(result);
}

/**
 * Asks for a result of `length` elements that is read in place. It pays from about 64 KiB up, where copying is most of
 * a run's time.
 * @example `using c = (await gpu.run(kernel, { a, c: lease(Float32Array, n) })).c;`
 */
export function lease<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): LeasedOutput<T> {
  const result: LeasedOutput<T> = { [bindingRole]: "lease", type, length };
  return Object.freeze(result);
}

/** Binds `data` as both input and result, as saxpy does with its `y`. `bytes(data)` comes back as a `Uint8Array`. */
export function inout<T extends TypedArray>(data: T, options?: ResultOptions<T>): Inout<T>;
export function inout(data: Bytes, options?: ResultOptions<Uint8Array>): InoutBytes;
export function inout<T extends TypedArray>(given: T | Bytes, options: ResultOptions<T> = {}): Inout {
  checkOptionNames("inout", options, resultOptionNames);
  const { into } = options;
  const isBytes = (given as Partial<Bytes> | null | undefined)?.[bindingRole] === "bytes";
  const data = isBytes ? (given as Bytes).data : (given as TypedArray);
  const result: Inout = { [bindingRole]: "inout", length: data?.length, data, isBytes, into };
  return Object.freeze(result);
}

/**
 * Binds memory as the bytes that the shader reads, whatever its type there: the contents of a file, or a struct packed
 * by hand. The bytes are read in place, like the elements of any typed array.
 * @example `gpu.run(kernel, { x: bytes(await readFile("x.bin")), y: output(Float32Array, n) })`
 * @throws {ComputeError} `invalid-binding` if `data` is not an `ArrayBuffer`, a `SharedArrayBuffer` or a view of one.
 */
export function bytes(data: ArrayBufferView | ArrayBufferLike): Bytes {
  const isView = ArrayBuffer.isView(data);
  if (!isView && !isArrayBuffer(data)) {
    throw new ComputeError(
      "invalid-binding",
      `bytes: "data" must be an ArrayBuffer or a view of one; got ${describeValue(data)}.` +
        adviseArray(data, "Uint8Array"),
    );
  }
  const view = isView ? viewOf(data) : new Uint8Array(data);
  const input: Bytes = { [bindingRole]: "bytes", data: view, length: view.length };
  return Object.freeze(input);
}

function viewOf(data: ArrayBufferView): Uint8Array {
  // A Uint8Array is kept as it is: its length may follow that of its buffer.
  if (Object.prototype.toString.call(data) === "[object Uint8Array]") return data as Uint8Array;
  return bytesOf(data);
}

/** By its tag, which an `ArrayBuffer` of another realm has too. */
function isArrayBuffer(value: unknown): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

/** Asks for memory that the passes of one run share: `length` elements of `type`. */
export function temporary(type: TypedArrayConstructor, length: number): Temporary {
  const memory: Temporary = { [bindingRole]: "temporary", type, length };
  return Object.freeze(memory);
}
