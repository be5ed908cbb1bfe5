import { ComputeError } from "@kiln-gpu/core";
import { diagnosticAt } from "@kiln-gpu/core/backend";
import { type LoadedProgram, loadEntryPoints } from "@kiln-gpu/shader";

/** A shader's file. */
export interface ShaderFile {
  /** Without its folder: `scale.wgsl` or `scale.spv`. The extension is the language, the rest names the kernel. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The name of the file in compilers' errors; `name` by default. */
  readonly file?: string;
  /** The package that the generated module imports; `@kiln-gpu/core` by default. */
  readonly importName?: "@kiln-gpu/core" | "kiln-gpu";
}

/** A shader with its compute entry points and their bindings. */
export interface Shader {
  readonly name: string;
  readonly file: string;
  readonly importName: "@kiln-gpu/core" | "kiln-gpu";
  readonly source:
    | { readonly wgsl: string; readonly spirv?: never }
    | { readonly spirv: Uint8Array; readonly wgsl?: never };
  readonly entryPoints: readonly LoadedProgram[];
}

export function isShaderName(name: string): boolean {
  return /(?<!^)\.(?:wgsl|spv)$/u.test(name);
}

/** @throws {ComputeError} `shader-compilation` for WGSL that is not UTF-8; and whatever `loadEntryPoints` throws. */
export async function readShader({
  name,
  bytes,
  file = name,
  importName = "@kiln-gpu/core",
}: ShaderFile): Promise<Shader> {
  const source = name.endsWith(".spv") ? { spirv: bytes } : { wgsl: textOf(bytes) };
  return { name, file, importName, source, entryPoints: await loadEntryPoints({ ...source, file }, "The shader") };
}

/** The text with \n line ends and without a byte order mark, so that it is the same in every checkout. */
function textOf(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const encoded = new TextEncoder().encode(text);
  const wrong = bytes.findIndex((byte, i) => byte !== encoded[i]);
  if (wrong >= 0) {
    const before = new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoded.subarray(0, wrong));
    const message = `The file is not UTF-8: byte ${wrong} does not belong to a character.`;
    const diagnostics = [diagnosticAt(text, before.length, 1, message)];
    throw new ComputeError("shader-compilation", message, { diagnostics });
  }
  return text.replace(/^\ufeff/u, "").replaceAll("\r\n", "\n");
}
