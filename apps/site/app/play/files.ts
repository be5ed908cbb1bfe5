/** Files in and out: arrays of NumPy, raw bytes, text, pictures. */
import { constructorOf, type Elements, type ElementType, parseElements } from "./values.js";

const descriptors = { f32: "<f4", i32: "<i4", u32: "<u4", f16: "<f2" } as const;

/** A file of NumPy, version 1.0. */
export function npyOf(elements: Elements, type: ElementType): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '${descriptors[type]}', 'fortran_order': False, 'shape': (${elements.length},), }`;
  const headLength = Math.ceil((10 + text.length + 1) / 64) * 64;
  const file = new Uint8Array(headLength + elements.byteLength);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  new DataView(file.buffer).setUint16(8, headLength - 10, true);
  file.set(new TextEncoder().encode(`${text.padEnd(headLength - 11)}\n`), 10);
  file.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), headLength);
  return file;
}

/**
 * The elements of a file, by its name: .npy, .csv, .txt or .json, a picture, or anything else as raw bytes.
 * @throws {Error} that says what does not fit.
 */
export async function elementsOf(file: File, type: ElementType): Promise<Elements> {
  if (/\.(png|jpe?g|webp|gif)$/i.test(file.name)) return pixelsOf(file, type);
  if (/\.(csv|txt|json)$/i.test(file.name)) return parseElements(await file.text(), type);
  const bytes = await file.arrayBuffer();
  if (/\.npy$/i.test(file.name)) return ofNpy(bytes, type);
  const { BYTES_PER_ELEMENT: size } = constructorOf(type);
  if (bytes.byteLength === 0 || bytes.byteLength % size !== 0) {
    throw new Error(`"${file.name}" has ${bytes.byteLength} bytes; ${type} needs a multiple of ${size}.`);
  }
  return new (constructorOf(type))(bytes);
}

function ofNpy(bytes: ArrayBuffer, type: ElementType): Elements {
  const view = new DataView(bytes);
  const isNpy = bytes.byteLength > 12 && view.getUint32(0) === 0x934e554d;
  const headLength = isNpy ? 10 + view.getUint16(8, true) : 0;
  const head = isNpy ? new TextDecoder().decode(bytes.slice(10, headLength)) : "";
  const descriptor = /'descr':\s*'([^']+)'/.exec(head)?.[1];
  if (descriptor !== descriptors[type]) {
    throw new Error(
      `The file has elements of ${descriptor ?? "no known type"}; the shader needs ${descriptors[type]}.`,
    );
  }
  return new (constructorOf(type))(bytes.slice(headLength));
}

/** A pixel is one u32 of four bytes, or its grey as f32. */
async function pixelsOf(file: File, type: ElementType): Promise<Elements> {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  if (type !== "f32") return new Uint32Array(data.buffer.slice(0));
  return Float32Array.from({ length: data.length / 4 }, (_, i) => {
    return (0.2126 * data[4 * i]! + 0.7152 * data[4 * i + 1]! + 0.0722 * data[4 * i + 2]!) / 255;
  });
}

/** The pixels of an image of `elements`; `kind` says what an element is. */
export function imageOf(elements: Elements, width: number, kind: "grey" | "colors" | "rgba"): ImageData {
  const height = Math.max(Math.ceil(elements.length / width), 1);
  const image = new ImageData(width, height);
  if (kind === "rgba") {
    image.data.set(
      new Uint8ClampedArray(elements.buffer, elements.byteOffset, elements.byteLength).subarray(0, image.data.length),
    );
    return image;
  }
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of elements) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const range = most - least || 1;
  for (const [i, value] of elements.entries()) {
    const share = Number.isFinite(value) ? (value - least) / range : 0;
    const color = kind === "grey" ? [share, share, share] : colorAt(share);
    image.data.set([...color.map((part) => Math.round(255 * part)), 255], 4 * i);
  }
  return image;
}

/** From dark violet through red to yellow, evenly lighter, also for eyes that do not see all colors. */
const stops = [
  [0.0, 0.0, 0.02],
  [0.34, 0.06, 0.43],
  [0.73, 0.21, 0.33],
  [0.98, 0.55, 0.04],
  [0.99, 1.0, 0.64],
] as const;

function colorAt(share: number): number[] {
  const place = share * (stops.length - 1);
  const below = stops[Math.floor(place)]!;
  const above = stops[Math.min(Math.floor(place) + 1, stops.length - 1)]!;
  return below.map((part, i) => part + (above[i]! - part) * (place - Math.floor(place)));
}
