/** Images as arrays of pixels, row by row from the top. What a pixel is depends on the shader's type. */
import type { TypedArray } from "@kiln-gpu/core";
import type { TypeLayout } from "@kiln-gpu/core/backend";
import { PNG } from "pngjs";
import { UsageError } from "../usage-error.js";
import { toElements, toNumbers } from "./elements.js";

export interface Size {
  readonly width: number;
  readonly height: number;
}

type PixelKind = "rgba-word" | "rgba" | "grey";

const expected = "array<u32> (RGBA in one word), array<vec4f> (RGBA from 0 to 1) or array<f32> (grey from 0 to 1)";

function pixelKindOf(option: string, layout: TypeLayout): PixelKind {
  const element = layout.kind === "array" ? layout.element : undefined;
  if (element?.kind === "scalar" && element.scalar === "u32") return "rgba-word";
  if (element?.kind === "scalar" && element.scalar === "f32") return "grey";
  if (element?.kind === "vector" && element.scalar === "f32" && element.components === 4) return "rgba";
  throw new UsageError(`${option}: an image is ${expected}; the shader has another type.`);
}

/** @throws {UsageError} for a file that is not a PNG image, or a shader's type that has no pixels. */
export function readImage(option: string, bytes: Uint8Array, layout: TypeLayout): { array: TypedArray; size: Size } {
  const kind = pixelKindOf(option, layout);
  let image: PNG;
  try {
    image = PNG.sync.read(Buffer.from(bytes));
  } catch (cause) {
    throw new UsageError(`${option}: the file must be a PNG image: ${(cause as Error).message}.`, { cause });
  }
  const { data, width, height } = image;
  const size = { width, height };
  if (kind === "rgba-word") return { array: new Uint32Array(new Uint8Array(data).buffer), size };
  const channels = Float32Array.from(data, (channel) => channel / 255);
  if (kind === "rgba") return { array: channels, size };
  const greys = Array.from({ length: width * height }, (_, i) => {
    const [red, green, blue] = channels.subarray(4 * i);
    // The luma of ITU-R BT.709.
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  });
  return { array: toElements(option, "f32", greys), size };
}

/** @throws {UsageError} if the array does not have as many pixels as `size`. */
export function writeImage(option: string, array: TypedArray, layout: TypeLayout, { width, height }: Size): Uint8Array {
  const kind = pixelKindOf(option, layout);
  const pixels = array.length / (kind === "rgba" ? 4 : 1);
  if (pixels !== width * height) {
    throw new UsageError(`${option}: ${width}x${height} are ${width * height} pixels; the result has ${pixels}.`);
  }
  const image = new PNG({ width, height });
  if (kind === "rgba-word") {
    image.data.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  } else {
    const numbers = toNumbers(array);
    const channel = (i: number) => Math.round(255 * Math.min(Math.max(numbers[i]! || 0, 0), 1));
    for (let i = 0; i < 4 * pixels; i++) {
      image.data[i] = kind === "rgba" ? channel(i) : i % 4 === 3 ? 255 : channel(i >> 2);
    }
  }
  return PNG.sync.write(image);
}
