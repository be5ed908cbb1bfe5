/**
 * Finds the WebAssembly of naga, the translator of SPIR-V, and compiles it. The build copies it to `dist/naga`; the URL
 * below leads there from `src` and from `dist`, and bundlers that know `new URL(…, import.meta.url)` deliver it.
 */
import { ComputeError } from "@kiln-gpu/core";
import type { TranslatorWasm } from "./load/translator-wasm.js";

const ownUrl = () => new URL("../dist/naga/naga.wasm", import.meta.url);

/** In Node the file is looked up: a bundler may have made the URL one of a page, also in code for a server. */
function ownPlace(): URL | string {
  const { process } = globalThis as { process?: { getBuiltinModule?: NodeJS.Process["getBuiltinModule"] } };
  try {
    const { createRequire } = process!.getBuiltinModule!("node:module");
    return createRequire(import.meta.url).resolve("@kiln-gpu/shader/naga.wasm");
  } catch {
    return ownUrl();
  }
}

/**
 * @param given The bytes, the compiled module or the place that the caller names; the file of this package by default.
 * @throws {ComputeError} `translator-unavailable` if it cannot be read, or is not WebAssembly that may be compiled here.
 */
export async function compileNaga(given?: TranslatorWasm): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  const isPlace = given === undefined || typeof given === "string" || given instanceof URL;
  const place = isPlace ? placeOf(given) : undefined;
  const bytes = place === undefined ? (given as BufferSource) : await read(place);
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw unavailable(place, `does not compile: ${reasonOf(cause)}`, cause);
  }
}

/** A URL, or a path in the file system. */
function placeOf(given: string | URL | undefined): URL | string {
  if (given === undefined) return ownPlace();
  if (typeof given !== "string") return given;
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  const base = fileSystem() ? undefined : location?.href;
  if (base === undefined && !/^[a-z][a-z+.-]+:/iu.test(given)) return given;
  try {
    return new URL(given, base);
  } catch (cause) {
    throw unavailable(given, "has no valid URL", cause);
  }
}

async function read(place: URL | string): Promise<BufferSource> {
  try {
    const files = fileSystem();
    if (files && (typeof place === "string" || place.protocol === "file:"))
      return new Uint8Array(await files.readFile(place));
    const response = await fetch(place);
    if (response.ok) return await response.arrayBuffer();
    throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  } catch (cause) {
    throw unavailable(place, `cannot be read: ${reasonOf(cause)}`, cause);
  }
}

/** Node's, where there is one: in Node, Bun and Deno. */
function fileSystem(): typeof import("node:fs/promises") | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: NodeJS.Process["getBuiltinModule"] } };
  return process?.getBuiltinModule?.("node:fs/promises");
}

function unavailable(place: URL | string | undefined, problem: string, cause: unknown): ComputeError {
  const from = place === undefined ? "The given WebAssembly" : `The WebAssembly at ${String(place)}`;
  return new ComputeError(
    "translator-unavailable",
    `${from}, which translates SPIR-V, ${problem}. Serve the file "@kiln-gpu/shader/naga.wasm" and name its URL in the ` +
      "backend's option `translatorWasm`; a page's policy must allow 'wasm-unsafe-eval'.",
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/u, "");
}
