import { ComputeError, diagnosticAt } from "@kiln-gpu/core";
import { type LoadedProgram, loadEntryPoints } from "@kiln-gpu/shader";

/** A shader's file. */
export interface ShaderFile {
  /** Without its folder, as `scale.wgsl` or `scale.spv`: the ending says the language, the rest names the kernel. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What errors of a compiler call it; by default its name. */
  readonly file?: string;
}

/** A shader that was read, with what each of its compute entry points binds. */
export interface Shader {
  readonly name: string;
  readonly file: string;
  readonly source:
    | { readonly wgsl: string; readonly spirv?: never }
    | { readonly spirv: Uint8Array; readonly wgsl?: never };
  readonly entryPoints: readonly LoadedProgram[];
}

export function isShaderName(name: string): boolean {
  return /(?<!^)\.(?:wgsl|spv)$/u.test(name);
}

/** @throws {ComputeError} What `loadEntryPoints` throws; `shader-compilation` for WGSL that is not UTF-8. */
export async function readShader({ name, bytes, file = name }: ShaderFile): Promise<Shader> {
  const source = name.endsWith(".spv") ? { spirv: bytes } : { wgsl: textOf(bytes) };
  return { name, file, source, entryPoints: await loadEntryPoints({ ...source, file }, "The shader") };
}

/** The text with lines that end in \n, as another checkout of the file may have it; a byte order mark is no part of it. */
function textOf(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const encoded = new TextEncoder().encode(text);
  const wrong = bytes.findIndex((byte, i) => byte !== encoded[i]);
  if (wrong >= 0) {
    const before = new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoded.subarray(0, wrong));
    const message = `The file is not UTF-8: its byte ${wrong} is no part of a character.`;
    const diagnostics = [diagnosticAt(text, before.length, 1, message)];
    throw new ComputeError("shader-compilation", message, { diagnostics });
  }
  return text.replace(/^\ufeff/u, "").replaceAll("\r\n", "\n");
}
