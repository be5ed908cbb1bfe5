import type { BindingValue, Constants, TypedArray, Workgroups } from "@kiln-gpu/core";
import type { RandomData } from "./random-data.js";

/** One run of a module, with what the CPU says must come out. */
export interface CorpusRun {
  readonly constants?: Constants;
  readonly entryPoint?: string;
  readonly workgroups: Workgroups;
  /**
   * By place, as `group/binding`: compilers keep, change and drop the names. Push constants stand in the first free
   * binding.
   */
  readonly bindings: { readonly [place: string]: BindingValue };
  /** What is in the outputs afterwards, of the same element type. */
  readonly expected: { readonly [place: string]: TypedArray };
  /**
   * How far a result may be off, as a part of the expected value or of 1, whichever is more; 0 where nothing is said.
   */
  readonly tolerance?: number;
}

/** What the modules made from one source do, whatever compiler made them. */
export interface CorpusKernel {
  runs(random: RandomData): readonly CorpusRun[];
}
