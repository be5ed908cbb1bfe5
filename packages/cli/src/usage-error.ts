/** A mistake in how the command was called; the process ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
