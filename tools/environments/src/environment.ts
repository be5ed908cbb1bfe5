import type { Workshop } from "./workshop.js";

/** A runtime, bundler, framework or library with which Kiln is used. */
export interface Environment {
  /** As users call it. */
  readonly name: string;
  /** The folder of its project in `projects/`. */
  readonly project: string;
  /** The npm package whose version is shown. */
  readonly package: string;
  /** What is run, in a few words. */
  readonly work: string;
  /**
   * Does the work.
   * @returns What came of it, in a few words: "right", or an error that is expected here.
   * @throws If anything else comes of it.
   */
  run(workshop: Workshop): Promise<string>;
}
