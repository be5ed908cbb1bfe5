/** What stands in the way of a project, in a sentence for the person who wants it. */
export class InitError extends Error {
  override readonly name = "InitError";
}
