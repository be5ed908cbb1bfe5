import { relative } from "node:path";
import { styleText } from "node:util";
import { isComputeError } from "@kiln-gpu/core";
import { showDiagnostics } from "@kiln-gpu/core/backend";

interface Counts {
  readonly written: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly wrong: number;
}

/** Prints what became of each file, with paths relative to `folder`, in color where the stream shows color. */
export class Reporter {
  readonly #folder: string;
  readonly #output: NodeJS.WritableStream;
  readonly #errors: NodeJS.WritableStream;

  constructor(folder: string, output: NodeJS.WritableStream, errors: NodeJS.WritableStream) {
    this.#folder = folder;
    this.#output = output;
    this.#errors = errors;
  }

  changed(what: "written" | "removed", module: string): void {
    this.#output.write(`${styleText("green", what, { stream: this.#output })} ${this.#seen(module)}\n`);
  }

  /**
   * Prints `file:line:column: error: message`, a form that editors read, then the source line and a caret if the error
   * has a place.
   */
  error(path: string, error: unknown): void {
    const word = styleText("red", "error:", { stream: this.#errors });
    const file = this.#seen(path);
    const diagnostics = isComputeError(error) && path.endsWith(".wgsl") ? error.diagnostics : [];
    if (diagnostics.length === 0) {
      this.#errors.write(`${file}: ${word} ${error instanceof Error ? error.message : String(error)}\n`);
      return;
    }
    const named = diagnostics.map((diagnostic) => ({ ...diagnostic, message: `${word} ${diagnostic.message}` }));
    this.#errors.write(`${showDiagnostics(file, named).replace(/^ {2}/gmu, "")}\n`);
  }

  say(text: string): void {
    this.#output.write(`${styleText("dim", text, { stream: this.#output })}\n`);
  }

  summary({ written, unchanged, removed, wrong }: Counts): void {
    if (written + unchanged + removed + wrong === 0) return this.say("No shaders were found.");
    const parts = [`${written} written`, `${unchanged} up to date`];
    if (removed > 0) parts.push(`${removed} removed`);
    if (wrong > 0) parts.push(`${wrong} wrong`);
    this.say(`Modules: ${parts.join(", ")}.`);
  }

  #seen(path: string): string {
    return relative(this.#folder, path) || path;
  }
}
