/** Reads and writes NumPy's .npy files, by https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
import type { TypedArray } from "@kiln-gpu/core";
import { UsageError } from "../usage-error.js";
import { elementTypeOf, halfToNumber } from "./elements.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export interface NpyArray {
  readonly values: ArrayLike<number>;
  /** The bits, for an array of halves. */
  readonly halves?: Uint16Array;
  readonly shape: readonly number[];
}

type Reader = (view: DataView, at: number) => number;

const readers: { readonly [type: string]: readonly [byteLength: number, read: Reader] } = {
  f2: [2, (view, at) => halfToNumber(view.getUint16(at, true))],
  f4: [4, (view, at) => view.getFloat32(at, true)],
  f8: [8, (view, at) => view.getFloat64(at, true)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at) => view.getInt16(at, true)],
  i4: [4, (view, at) => view.getInt32(at, true)],
  i8: [8, (view, at) => Number(view.getBigInt64(at, true))],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at) => view.getUint16(at, true)],
  u4: [4, (view, at) => view.getUint32(at, true)],
  u8: [8, (view, at) => Number(view.getBigUint64(at, true))],
  b1: [1, (view, at) => view.getUint8(at)],
};

/** @throws {UsageError} for a file that is not a .npy file, or whose numbers are of a type that no shader takes. */
export function readNpy(option: string, bytes: Uint8Array): NpyArray {
  const refuse = (problem: string): never => {
    throw new UsageError(`${option}: ${problem}.`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) refuse("the file is not a .npy file");
  const isFirst = bytes[6] === 1;
  const start = isFirst ? 10 : 12;
  const dataStart = start + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder().decode(bytes.subarray(start, dataStart));
  const type = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const known = type && Object.hasOwn(readers, type[2]!) ? readers[type[2]!] : undefined;
  if (!known || type![1] === ">" || shapeText === undefined) {
    const given = type ? `${type[1]}${type[2]}` : header.trim();
    return refuse(`the array must have little-endian numbers of up to 64 bits, real or whole; it has "${given}"`);
  }
  const shape = shapeText.split(",").flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  if (/'fortran_order':\s*True/.test(header) && shape.filter((length) => length > 1).length > 1) {
    refuse("the array is in Fortran order; save np.ascontiguousarray(array)");
  }
  const [byteLength, read] = known;
  const count = shape.reduce((product, length) => product * length, 1);
  if (dataStart + count * byteLength !== bytes.length) {
    refuse(
      `the file must have ${dataStart + count * byteLength} bytes for its shape (${shape}); it has ${bytes.length}`,
    );
  }
  const values = Float64Array.from({ length: count }, (_, i) => read(view, dataStart + i * byteLength));
  if (type![2] !== "f2") return { values, shape };
  return { values, shape, halves: new Uint16Array(bytes.slice(dataStart).buffer) };
}

/** The type that NumPy reads the array as. */
const typeNames = { f32: "<f4", i32: "<i4", u32: "<u4", f16: "<f2", u8: "|u1" } as const;

export function writeNpy(array: TypedArray, shape: readonly number[]): Uint8Array {
  const shapeText = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '${typeNames[elementTypeOf(array)]}', 'fortran_order': False, 'shape': ${shapeText}, }`;
  // The data begins on a multiple of 64 bytes, after a header that ends with a line end.
  const headerLength = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const bytes = new Uint8Array(10 + headerLength + data.length);
  bytes.set([...magic, 1, 0, headerLength & 0xff, headerLength >> 8]);
  bytes.set(new TextEncoder().encode(`${header.padEnd(headerLength - 1)}\n`), 10);
  bytes.set(data, 10 + headerLength);
  return bytes;
}
