/**
 * What a suite is: one question about what Kiln costs, with its figures and its report. A suite opens what it measures itself and
 * prints nothing, so that suites can run in any order in one process.
 */
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import type { DeviceInfo } from "@kiln-gpu/core";

export type BackendName = "one-shot" | "persistent";

export interface SuiteContext {
  /** Opens the device that was asked for, and backends on it that take nothing from a store. */
  readonly open: PersistentBackendOptions;
  readonly device: DeviceInfo;
  /** Elements of each array. */
  readonly sizes: readonly number[];
  readonly iterations: number;
  readonly backends: readonly BackendName[];
  /** Says what is measured next. */
  step(text: string): void;
}

export interface Suite<Figures = unknown> {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** What runs on the GPU, for the head of the report. */
  readonly kernel: string;
  readonly defaultSizes: readonly number[];
  readonly defaultIterations: number;
  /** What there is `defaultIterations` of, in the plural. */
  readonly iterationsAre: string;
  /** @returns Plain values, which are written as JSON. */
  measure(context: SuiteContext): Promise<Figures>;
  report(figures: Figures): string;
}

/** Above it a software GPU takes seconds for a call. */
export const maxSoftwareSize = 2 ** 20;

/** The sizes that `suite` runs: those given, or as many of its own as the device is up to. */
export function sizesFor(
  suite: Suite,
  { sizes, large }: { readonly sizes: readonly number[] | undefined; readonly large: boolean },
  device: DeviceInfo,
): number[] {
  const own = suite.defaultSizes.filter((size) => !device.isSoftware || size <= maxSoftwareSize);
  const all = [...(sizes ?? own), ...(large ? [2 ** 20, 4 * 2 ** 20] : [])];
  return [...new Set(all)].sort((a, b) => a - b);
}
