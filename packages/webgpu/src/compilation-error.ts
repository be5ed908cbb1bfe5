import { ComputeError, type Diagnostic } from "@kiln-gpu/core";
import { linesOf, showDiagnostics } from "@kiln-gpu/core/backend";

/** A text to compile, with its names in errors. */
export interface CompiledText {
  readonly label: string;
  readonly wgsl: string;
  /** The name of the text in front of line numbers; by default the label. */
  readonly file?: string;
  /** The language that `wgsl` was translated from, if its author wrote another one. */
  readonly translatedFrom?: string;
}

/**
 * The error of a text that does not compile, made of the device's messages; `undefined` if none of them is an error.
 */
export function compilationError(
  { label, file, translatedFrom, wgsl }: CompiledText,
  messages: readonly GPUCompilationMessage[],
): ComputeError | undefined {
  if (!messages.some(({ type }) => type === "error")) return undefined;
  const diagnostics = diagnosticsOf(wgsl, messages);
  const name = file ?? label;
  const shown = showDiagnostics(translatedFrom === undefined ? name : `translation of ${name}`, diagnostics);
  const whose = translatedFrom === undefined ? "" : `; lines are those of its translation from ${translatedFrom}`;
  return new ComputeError("shader-compilation", `${label} does not compile${whose}:\n${shown}`, { diagnostics });
}

/** One diagnostic for each error, with the notes that follow it. */
function diagnosticsOf(wgsl: string, messages: readonly GPUCompilationMessage[]): Diagnostic[] {
  const lines = linesOf(wgsl);
  const errors: { -readonly [Key in keyof Diagnostic]: Diagnostic[Key] }[] = [];
  let last: GPUCompilationMessageType | undefined;
  for (const { type, message, lineNum, linePos, length } of messages) {
    if (type !== "info") last = type;
    if (last !== "error") continue;
    if (type === "info") {
      errors.at(-1)!.message += `\nnote at ${lineNum}:${linePos}: ${message}`;
      continue;
    }
    const source = lines[lineNum - 1];
    // Dawn reports an invalid character without a place.
    const place = source === undefined ? { line: 0, column: 0, length: 0 } : { line: lineNum, column: linePos, length };
    errors.push({ message: usefulPart(message), source: source ?? "", ...place });
  }
  return errors;
}

/**
 * What wgpu, in Deno and Firefox, says beside a drawing of the source: the error, what it points at, and its reasons.
 * Kiln shows the source itself. Messages of other compilers stay as they are.
 */
export function usefulPart(message: string): string {
  const [drawn, error] = /^\s*Shader (?:'.*' parsing|validation) error: (.+)/.exec(message) ?? [];
  if (drawn === undefined) return message;
  const [, pointedAt = ""] = /\^ ([^\s^].*)/.exec(message) ?? [];
  const isNews = pointedAt !== "" && !error!.includes(pointedAt) && !pointedAt.startsWith("naga::");
  const reasons = [...message.matchAll(/^ *= (.+)$/gm)].map(([, reason]) => reason!);
  return [error, ...(isNews ? [pointedAt] : []), ...reasons].join(": ");
}
