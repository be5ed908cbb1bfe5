import { ComputeError } from "@kiln-gpu/core";
import { describeValue, optionNames } from "@kiln-gpu/core/backend";

/** The names of types that the declarations use and a library of TypeScript without "DOM" lacks; each merges with its own. */
declare global {
  interface URL {}
  namespace WebAssembly {
    interface Module {}
  }
}

/** The file `@kiln-gpu/shader/naga.wasm`: its URL (in Node also its path), its bytes, or the compiled module. */
export type TranslatorWasm = string | URL | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface TranslatorOptions {
  /**
   * Where the WebAssembly lies that translates SPIR-V, or its content. By default it is the file inside
   * `@kiln-gpu/shader`, which most bundlers deliver with a page. It is read when the first SPIR-V arrives.
   */
  readonly translatorWasm?: TranslatorWasm;
}

export const translatorOptionNames = /* @__PURE__ */ optionNames<TranslatorOptions>({ translatorWasm: true });

/** @throws {ComputeError} `invalid-option` if the option is none of these. */
export function checkTranslatorOptions({ translatorWasm: given }: TranslatorOptions): void {
  if (given === undefined || typeof given === "string" || given instanceof URL) return;
  if (ArrayBuffer.isView(given) || given instanceof ArrayBuffer || given instanceof WebAssembly.Module) return;
  throw new ComputeError(
    "invalid-option",
    'The option "translatorWasm" must be a URL, an array of bytes or a WebAssembly.Module; ' +
      `got ${describeValue(given)}.`,
  );
}
