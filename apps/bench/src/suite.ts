/**
 * A suite answers one question about what Kiln costs, with figures and a report. It opens its own devices and backends
 * and prints nothing, so that suites can run in any order in one process.
 */
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import type { DeviceInfo } from "@kiln-gpu/core";
import type { Onlooker } from "./interleave.js";
import type { Section } from "./section.js";

export type BackendName = "one-shot" | "persistent";

/** What a suite measures next. */
export interface Step {
  readonly text: string;
  /** Elements of each array, if the step has one size. */
  readonly size?: number;
  /** Steps before this one, and all steps of the suite. */
  readonly done: number;
  readonly total: number;
}

/** A suite rejects with the reason of the signal soon after that is aborted. */
export interface SuiteContext extends Onlooker {
  /** Options that open the requested device, and backends on it that use no store. */
  readonly open: PersistentBackendOptions;
  readonly device: DeviceInfo;
  /** Elements of each array. */
  readonly sizes: readonly number[];
  readonly iterations: number;
  readonly backends: readonly BackendName[];
  /** Called before each step. */
  step(step: Step): void;
}

/** Returns the function that a suite calls before each of its `total` steps. */
export function countSteps({ step, signal }: Pick<SuiteContext, "step" | "signal">, total: number) {
  let done = 0;
  return (text: string, size?: number): void => {
    signal?.throwIfAborted();
    step({ text, ...(size !== undefined && { size }), done, total });
    done += 1;
  };
}

export interface Suite<Figures = unknown> {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** The kernels, for the head of the report. */
  readonly kernel: string;
  readonly defaultSizes: readonly number[];
  readonly defaultIterations: number;
  /** What `defaultIterations` counts, in the plural. */
  readonly iterationsAre: string;
  /** @returns Plain values, which can be written as JSON. */
  measure(context: SuiteContext): Promise<Figures>;
  /** The report, in parts: a page shows them in its own way. */
  sections(figures: Figures): readonly Section[];
}

/** With larger arrays a call on a software GPU takes seconds. */
export const maxSoftwareSize = 2 ** 20;

/** The sizes that `suite` runs: the given ones, or those of its own that the device can handle. */
export function sizesFor(
  suite: Suite,
  { sizes, large }: { readonly sizes: readonly number[] | undefined; readonly large: boolean },
  device: DeviceInfo,
): number[] {
  const own = suite.defaultSizes.filter((size) => !device.isSoftware || size <= maxSoftwareSize);
  const all = [...(sizes ?? own), ...(large ? [2 ** 20, 4 * 2 ** 20] : [])];
  return [...new Set(all)].sort((a, b) => a - b);
}
