/** An error in the command line; the process exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
