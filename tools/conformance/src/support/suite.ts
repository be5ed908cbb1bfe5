/** What the suite is told of a backend, and how its topics open one. */
import type { ComputeBackend } from "@kiln-gpu/core";
import { expectNothingLive, isLongRun, software } from "@kiln-gpu/test-support";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { afterAll, beforeAll } from "vitest";

/** Which promises apply beyond those that every backend keeps. */
export interface Capabilities {
  /** Takes a `GPUDevice` of the caller's own. */
  readonly adoptsDevice: boolean;
  /** Pipelines, bind groups and buffers outlive their run, within the `BoundOptions` given to `open`. */
  readonly keepsResources: boolean;
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
  /** Under which options, where not the default ones. */
  readonly mode?: string;
  readonly open: (options?: OpenOptions) => Promise<ComputeBackend>;
  readonly capabilities: Capabilities;
  /** Runs asked for at once where the suite wants many; a run that opens a device costs tens of milliseconds. */
  readonly manyRuns: number;
  /**
   * Leaves out the long tests whose outcome does not depend on the mode. The suite of another mode has them, and
   * `pnpm test:long` runs them in every mode.
   */
  readonly isBrief?: boolean;
  /** Whether `pnpm test:long` draws thousands of random shaders here: in one mode is enough. */
  readonly drawsThousands?: boolean;
}

export const isBrief = (suite: Suite): boolean => suite.isBrief === true && !isLongRun;

/** One backend for the tests of a `describe`: opened before them, and checked to leave nothing after them. */
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
