/** What the suite needs to know about a backend, and how its tests open one. */
import type { ComputeBackend } from "@kiln-gpu/core";
import { expectNothingLive, isLongRun, software } from "@kiln-gpu/test-support";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { afterAll, beforeAll } from "vitest";

/** Optional promises, beyond those that every backend keeps. */
export interface Capabilities {
  /** Accepts a `GPUDevice` of the caller. */
  readonly adoptsDevice: boolean;
  /** Opens the adapter that its options name, or the software GPU; true unless said otherwise. */
  readonly choosesAdapter?: boolean;
  /** Pipelines, bind groups and buffers outlive their run, within the `BoundOptions` given to `open`. */
  readonly keepsResources: boolean;
  /** Its counters cover the device and what is on it. A backend that sends its runs elsewhere counts only its runs. */
  readonly countsResources?: boolean;
}

/** The bounds of a backend that keeps resources. */
export interface BoundOptions {
  readonly byteBudget?: number;
  readonly memoryWaitMs?: number;
  readonly maxPipelines?: number;
  readonly maxDescriptorSets?: number;
  readonly maxDescriptors?: number;
  readonly maxSubmissions?: number;
  readonly maxIdleMs?: number;
}

export type OpenOptions = OpenDeviceOptions & BoundOptions;

export interface Suite {
  readonly name: string;
  /** A name for its options, unless they are the defaults. */
  readonly mode?: string;
  readonly open: (options?: OpenOptions) => Promise<ComputeBackend>;
  readonly capabilities: Capabilities;
  /** How many simultaneous runs count as many. A run that opens a device costs tens of milliseconds. */
  readonly manyRuns: number;
  /**
   * Leaves out long tests whose outcome does not depend on the mode. The suite of another mode has them, and
   * `pnpm test:long` runs them in every mode.
   */
  readonly isBrief?: boolean;
  /** Whether it has the kernels that take long to compile; `pnpm test:long` has them in every mode. */
  readonly isOfEachKernel?: boolean;
  /** Whether `pnpm test:long` draws thousands of random shaders in this mode; one mode is enough. */
  readonly drawsThousands?: boolean;
}

export const isBrief = (suite: Suite): boolean => suite.isBrief === true && !isLongRun;

/** Opens one backend for the tests of a `describe`. After them it is disposed and must leave nothing. */
export function useBackend({ open }: Pick<Suite, "open">, options: OpenOptions = {}): () => ComputeBackend {
  let backend: ComputeBackend | undefined;
  beforeAll(async () => {
    backend = await open({ ...software, ...options });
  });
  afterAll(async () => {
    await backend?.dispose();
    if (backend) expectNothingLive(backend);
  });
  return () => backend!;
}
