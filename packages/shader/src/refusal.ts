import { ComputeError, type ComputeErrorCode, type Diagnostic } from "@kiln-gpu/core";
import { showDiagnostics } from "@kiln-gpu/core/backend";

interface RefusalOptions extends ErrorOptions {
  /** The part of the source that the refusal is about. */
  readonly place?: Omit<Diagnostic, "message">;
  /** The message beside the place when the error's message shows it; without it only `diagnostics` have the place. */
  readonly shown?: string;
  /** The message in `diagnostics`; the error's own message by default. */
  readonly problem?: string;
}

/**
 * Why a shader is refused, as a sentence without its subject: `has no compute entry point.` The code that throws it
 * does not know which kernel it reads; `named` adds that.
 */
export class Refusal extends ComputeError {
  readonly #options: RefusalOptions;

  constructor(code: ComputeErrorCode, predicate: string, options: RefusalOptions = {}) {
    super(code, predicate, options);
    this.#options = options;
  }

  of(subject: string): ComputeError {
    const sentence = `${subject} ${this.message}`;
    const { place, shown, problem = sentence, ...options } = this.#options;
    if (!place) return new ComputeError(this.code, sentence, options);
    const name = place.file ?? subject.replace(/,$/u, "");
    const drawn = shown === undefined ? "" : `\n${showDiagnostics(name, [{ ...place, message: shown }])}`;
    return new ComputeError(this.code, sentence + drawn, {
      ...options,
      diagnostics: [{ ...place, message: problem }],
    });
  }
}

/**
 * Returns what `read` returns, and names `subject` in its refusals.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 */
export async function named<T>(subject: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof Refusal ? error.of(subject) : error;
  }
}
