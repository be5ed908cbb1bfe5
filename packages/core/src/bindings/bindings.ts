/**
 * What a caller binds to a kernel's names. A bare typed array is an input; `output` and `inout` come back as results; numbers,
 * arrays of numbers and plain objects fill uniforms.
 */

import { ComputeError } from "../errors/compute-error.js";
import { bindingRole } from "./binding-role.js";
import { describeValue } from "./describe-value.js";

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
}

/** Uploaded before the run and returned after it; `data` itself is never written, unless it is `into` as well. */
export interface Inout<T extends TypedArray = TypedArray> {
  readonly [bindingRole]: "inout";
  /** The length of `data`. Every binding has one, so a kernel's own functions can ask for it whatever is bound. */
  readonly length: number;
  readonly data: T;
  /** Whether `data` came from `bytes`: then it stands for any shader type. */
  readonly isBytes: boolean;
  readonly into?: T | undefined;
}

/** The arrays whose elements are bytes; no shader type has such elements. */
export type ByteArray = Uint8Array | Uint8ClampedArray;

export interface InoutBytes extends Inout<Uint8Array> {
  readonly isBytes: true;
}

/**
 * Input memory that is mapped already, from a backend's `stage`: fill `data`, then bind the handle, and nothing is copied on the
 * host. Binding gives the memory to that run, whatever becomes of the run, unless the run is refused before it begins; a handle
 * serves once. A kernel's own functions (`threads`, `passes`) see its `type` and `length`, not its elements.
 */
export interface Staged<T extends TypedArray = TypedArray> extends Disposable {
  readonly [bindingRole]: "staged";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  /**
   * To be written in full: it starts with whatever an earlier upload left there.
   * @throws {ComputeError} `disposed` once the handle was bound or released, or its backend disposed.
   */
  readonly data: T;
  /** Gives memory back that is not going to be bound; does nothing for a handle that was. */
  release(): void;
}

/** An input given as the bytes that the shader reads, whatever its type is there. Made by `bytes`. */
export interface Bytes {
  readonly [bindingRole]: "bytes";
  readonly data: Uint8Array;
  /** The number of bytes. */
  readonly length: number;
}

/** A part of an array; all of it by default. */
export interface ArrayRange {
  /** The first element; 0 by default. */
  readonly start?: number;
  /** Elements; by default all from `start` to the end. */
  readonly length?: number;
}

/**
 * An array that stays on the GPU, from a backend's `array`. A run that binds it reads or writes it in place: nothing is copied, and it
 * is among no run's results. Runs, reads, writes and copies that share an array, at least one of which writes it, happen in the order
 * in which they were asked for; when one fails, those asked for before that was known fail too, for they were to work on what it
 * would have written. It counts to the backend's byte budget until it is disposed.
 */
export interface ResidentArray<T extends TypedArray = TypedArray> extends Disposable {
  readonly [bindingRole]: "resident";
  /** Names it in errors. */
  readonly label?: string | undefined;
  readonly type: TypedArrayConstructor<T>;
  /** Elements. */
  readonly length: number;
  /**
   * Resolves with a copy of the elements in `range`, as all that was asked for before leaves them.
   * @param range With `into`, the array that they are written into, as long as the range.
   * @throws {ComputeError} `invalid-option` for a range that does not fit; `disposed`; `out-of-memory`; `device-lost`.
   */
  read(range?: ArrayRange & ResultOptions<T>): Promise<T>;
  /**
   * As `read`, without the copy: resolves with the elements in memory mapped from the device, to be read until the lease is released.
   * @throws {ComputeError} As `read`.
   */
  lease(range?: ArrayRange): Promise<Lease<T>>;
  /**
   * Overwrites the elements from `start` on with `data`, which is borrowed until this resolves.
   * @param start 0 by default; like the number of bytes written, unless they end the array, at a multiple of 4 bytes.
   * @throws {ComputeError} `invalid-option` where `data` does not fit; `disposed`; `out-of-memory`; `device-lost`.
   */
  write(data: T, start?: number): Promise<void>;
  /**
   * Overwrites the elements from `start` on with those of `source`, of the same type, in `range`, on the GPU. The bytes copied begin and end as in `write`.
   * @throws {ComputeError} `invalid-option` where they do not fit, or `source` is this array or another backend's; `disposed`; `device-lost`.
   */
  copyFrom(source: ResidentArray, range?: ArrayRange, start?: number): Promise<void>;
  /** Frees the memory once what was asked for before is done with it; a second call does nothing. */
  dispose(): void;
}

export interface ResultOptions<T extends TypedArray> {
  /**
   * Where the result is written instead of a new array, of the same type and length; it is what the run resolves with. Written
   * just before the run resolves, and never when it rejects.
   */
  readonly into?: T;
}

/** A result that is read in place, in memory mapped from the device, instead of copied. */
export interface LeasedOutput<T extends TypedArray = TypedArray> {
  readonly [bindingRole]: "lease";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
}

/** Result memory that its reader gives back. Until then it counts to the backend's byte budget. */
export interface Lease<T extends TypedArray = TypedArray> extends Disposable {
  /**
   * To be read; what is written to it is lost.
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
 * What may be bound where a kernel declares `K`: staged memory in place of an input array, a lease in place of an output, and a resident
 * array in place of any of them.
 */
export type Accepted<K> = {
  readonly [Name in keyof K]: BindingValue extends K[Name] ? K[Name] : K[Name] | InPlaceOf<K[Name]>;
};

/**
 * Of `B` what a kernel of `K` does not bind, as what nothing is: an object may have more than its type says, a run's bindings may not. Where a
 * binding is missing that is the error, for it comes with the likely name.
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

/** `Then`, unless `T` is of nothing. */
export type IfAny<T, Then> = [T] extends [never] ? never : Then;

/** The results of a run, typed from what was bound: a typed array for each `output` and `inout`, a `Lease` for each `lease`. */
export type Results<B> = {
  [Name in keyof B as B[Name] extends Output | LeasedOutput | Inout ? Name : never]: B[Name] extends Output<infer T>
    ? T
    : B[Name] extends Inout<infer T>
      ? T
      : B[Name] extends LeasedOutput<infer T>
        ? Lease<T>
        : never;
};

/**
 * Asks for a result of `length` elements.
 * @example `output(Float32Array, 1024)`
 */
export function output<T extends TypedArray>(
  type: TypedArrayConstructor<T>,
  length: number,
  { into }: ResultOptions<T> = {},
): Output<T> {
  const result: Output<T> = { [bindingRole]: "output", type, length, into };
  return Object.freeze(result);
}

/**
 * Asks for a result of `length` elements to be read in place: worth it from some 64 KiB up, where copying is most of a run's time.
 * @example `using c = (await gpu.run(kernel, { a, c: lease(Float32Array, n) })).c;`
 */
export function lease<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): LeasedOutput<T> {
  const result: LeasedOutput<T> = { [bindingRole]: "lease", type, length };
  return Object.freeze(result);
}

/** Binds `data` as input and result at once, as saxpy does with its `y`; the bytes of `bytes(data)` come back as a `Uint8Array`. */
export function inout<T extends TypedArray>(data: T, options?: ResultOptions<T>): Inout<T>;
export function inout(data: Bytes, options?: ResultOptions<Uint8Array>): InoutBytes;
export function inout<T extends TypedArray>(given: T | Bytes, { into }: ResultOptions<T> = {}): Inout {
  const isBytes = (given as Partial<Bytes> | null | undefined)?.[bindingRole] === "bytes";
  const data = isBytes ? (given as Bytes).data : (given as TypedArray);
  const result: Inout = { [bindingRole]: "inout", length: data?.length, data, isBytes, into };
  return Object.freeze(result);
}

/**
 * Binds memory as the bytes that the shader reads there, whatever its type is: the contents of a file, or a struct that was packed by hand. They are
 * read in place, as those of any typed array are.
 * @example `gpu.run(kernel, { x: bytes(await readFile("x.bin")), y: output(Float32Array, n) })`
 * @throws {ComputeError} `invalid-binding` for anything but an `ArrayBuffer`, a `SharedArrayBuffer` or a view of one.
 */
export function bytes(data: ArrayBufferView | ArrayBufferLike): Bytes {
  const isView = ArrayBuffer.isView(data);
  if (!isView && !isArrayBuffer(data)) {
    throw new ComputeError(
      "invalid-binding",
      `bytes(data) takes an ArrayBuffer or a view of one; got ${describeValue(data)}.`,
    );
  }
  const view = isView ? viewOf(data) : new Uint8Array(data);
  const input: Bytes = { [bindingRole]: "bytes", data: view, length: view.length };
  return Object.freeze(input);
}

function viewOf(data: ArrayBufferView): Uint8Array {
  // The same object, where it is one already: its length may follow that of its buffer.
  if (Object.prototype.toString.call(data) === "[object Uint8Array]") return data as Uint8Array;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** By its tag, which an `ArrayBuffer` of another realm has too. */
function isArrayBuffer(value: unknown): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

/** Asks for memory between the passes of one run: `length` elements of `type`. */
export function temporary(type: TypedArrayConstructor, length: number): Temporary {
  const memory: Temporary = { [bindingRole]: "temporary", type, length };
  return Object.freeze(memory);
}
