import { ComputeError } from "./compute-error.js";

/**
 * An error without its subject: `has no binding "z"; …`, or what follows the subject and a colon: `: "wgsl" must be a
 * string; …`. The code that throws it does not know which kernel or sequence it checks; `named` adds that.
 */
export class Refusal extends ComputeError {
  of(subject: string): ComputeError {
    const joint = this.message.startsWith(":") ? "" : " ";
    return new ComputeError(
      this.code,
      `${subject}${joint}${this.message}`,
      "cause" in this ? { cause: this.cause } : {},
    );
  }
}

/**
 * Returns what `check` returns, and names `subject` in its refusals.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 */
export function named<T>(subject: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof Refusal ? error.of(subject) : error;
  }
}
