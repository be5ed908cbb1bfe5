import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { TypedArray } from "@kiln-gpu/core";
import { type BindingInfo, bytesOf } from "@kiln-gpu/core/backend";
import { UsageError } from "../usage-error.js";
import { componentsOf } from "./elements.js";
import { type Size, writeImage } from "./image.js";
import { writeNpy } from "./npy.js";

/** A file to write, and the result that it gets. */
export interface OutFile {
  readonly name: string;
  readonly path: string;
}

/**
 * Reads `--out y.npy`, or `--out y=y.npy` where there are several results.
 * @throws {UsageError} for a result that the run does not have.
 */
export function readOuts(texts: readonly string[], results: readonly string[]): OutFile[] {
  return texts.map((text) => {
    const [, name, path] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name !== undefined && results.includes(name)) return { name, path: path! };
    const [sole, ...others] = results;
    if (sole !== undefined && others.length === 0 && name === undefined) return { name: sole, path: text };
    const known = results.length === 0 ? "the run has none" : `the results are ${results.join(", ")}`;
    throw new UsageError(`--out must be NAME=FILE with the name of a result; ${known}, and "${text}" was given.`);
  });
}

/** Writes a .npy file, a PNG image, or else the bytes. */
export async function writeResult(
  { path }: OutFile,
  array: TypedArray,
  { layout }: BindingInfo,
  size: Size | undefined,
  folder: string,
): Promise<void> {
  let bytes = bytesOf(array);
  if (/\.npy$/i.test(path)) {
    const components = componentsOf(layout);
    const isVectors = components > 1 && array.length % components === 0;
    const elements = array.length / (isVectors ? components : 1);
    const grid = size && size.width * size.height === elements ? [size.height, size.width] : [elements];
    bytes = writeNpy(array, isVectors ? [...grid, components] : grid);
  } else if (/\.png$/i.test(path)) {
    if (!size) throw new UsageError(`--out ${path}: the size of the image is not known; give --size WIDTHxHEIGHT.`);
    bytes = writeImage(`--out ${path}`, array, layout, size);
  }
  try {
    await writeFile(resolve(folder, path), bytes);
  } catch (cause) {
    throw new UsageError(`--out must be a file that can be written: ${(cause as Error).message}`, { cause });
  }
}
