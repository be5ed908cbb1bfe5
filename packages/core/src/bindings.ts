/**
 * What a caller binds to a kernel's names. A bare typed array is an input; `output` and `inout` come back as results; numbers,
 * arrays of numbers and plain objects fill uniforms.
 */

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
  readonly role: "output";
  readonly type: TypedArrayConstructor<T>;
  readonly length: number;
  readonly into?: T | undefined;
}

/** Uploaded before the run and returned after it; `data` itself is never written, unless it is `into` as well. */
export interface Inout<T extends TypedArray = TypedArray> {
  readonly role: "inout";
  /** Of `data`, as every other binding has it: what a kernel's own functions ask, who may be given a resident array in its place. */
  readonly length: number;
  readonly data: T;
  readonly into?: T | undefined;
}

/**
 * Input memory that is mapped already, from a backend's `stage`: fill `data`, then bind the handle, and nothing is copied on the
 * host. Binding gives the memory to that run, whatever becomes of the run, unless the run is refused before it begins; a handle
 * serves once. A kernel's own functions (`threads`, `passes`) see its `type` and `length`, not its elements.
 */
export interface Staged<T extends TypedArray = TypedArray> extends Disposable {
  readonly role: "staged";
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
  readonly role: "resident";
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
  readonly role: "lease";
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
  readonly role: "temporary";
  readonly type: TypedArrayConstructor;
  readonly length: number;
}

/** A scalar, a vector or matrix (column by column) as numbers, or a struct as an object of its members. */
export type UniformValue = number | boolean | readonly UniformValue[] | { readonly [member: string]: UniformValue };

export type BindingValue = TypedArray | Output | LeasedOutput | Inout | Staged | ResidentArray | UniformValue;

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
  | IfAny<Extract<V, TypedArray>, Staged<Extract<V, TypedArray>>>
  | IfAny<OutputArrayOf<V>, LeasedOutput<OutputArrayOf<V>>>
  | IfAny<ArrayOf<V>, ResidentArray<ArrayOf<V>>>;

/** The arrays that go in or come back where a kernel declares `V`. */
export type ArrayOf<V> = Extract<V, TypedArray> | OutputArrayOf<V> | (V extends Inout<infer T> ? T : never);

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
  return { role: "output", type, length, into };
}

/**
 * Asks for a result of `length` elements to be read in place: worth it from some 64 KiB up, where copying is most of a run's time.
 * @example `using c = (await gpu.run(kernel, { a, c: lease(Float32Array, n) })).c;`
 */
export function lease<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): LeasedOutput<T> {
  return { role: "lease", type, length };
}

/** Binds `data` as input and result at once, as saxpy does with its `y`. */
export function inout<T extends TypedArray>(data: T, { into }: ResultOptions<T> = {}): Inout<T> {
  return { role: "inout", length: data?.length, data, into };
}

/** Asks for memory between the passes of one run: `length` elements of `type`. */
export function temporary(type: TypedArrayConstructor, length: number): Temporary {
  return { role: "temporary", type, length };
}
