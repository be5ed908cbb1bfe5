import { relative } from "node:path";
import { isComputeError, showDiagnostics } from "@kiln-gpu/core";
import type { Output } from "./output.js";
import { type Styles, stylesOf } from "./styles.js";

interface Counts {
  readonly written: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly wrong: number;
}

/** Tells people what has become of each file, with paths as they are seen from `folder`. */
export class Reporter {
  readonly #folder: string;
  readonly #output: Output;
  readonly #errors: Output;
  readonly #styles: Styles;
  readonly #errorStyles: Styles;

  constructor(folder: string, output: Output, errors: Output) {
    this.#folder = folder;
    this.#output = output;
    this.#errors = errors;
    this.#styles = stylesOf(output);
    this.#errorStyles = stylesOf(errors);
  }

  changed(what: "written" | "removed", module: string): void {
    this.#output.write(`${this.#styles.green(what)} ${this.#seen(module)}\n`);
  }

  /** In the form that editors know, `file:line:column: error: message`, with the source line and a caret where there is one. */
  error(path: string, error: unknown): void {
    const word = this.#errorStyles.red("error:");
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
    this.#output.write(`${this.#styles.dim(text)}\n`);
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
