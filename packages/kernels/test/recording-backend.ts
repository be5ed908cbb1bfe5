import type { Bindings, ComputeBackend, Kernel, Output, RunOptions } from "@kiln-gpu/core";
import { roleOf } from "@kiln-gpu/core/backend";

export interface RecordedRun {
  readonly kernel: unknown;
  readonly bindings: Bindings;
  readonly options: RunOptions | undefined;
}

/** Computes nothing: records each run, and resolves with zeros for an `output` and a copy for an `inout`. */
export function recordingBackend(): { readonly backend: ComputeBackend; readonly runs: RecordedRun[] } {
  const runs: RecordedRun[] = [];
  const run = async (kernel: Kernel, bindings: Bindings, options?: RunOptions) => {
    runs.push({ kernel, bindings, options });
    const results: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(bindings)) {
      const role = roleOf(value);
      if (role === "output") {
        const { type, length } = value as Output;
        results[name] = new type(length);
      }
      if (role === "inout") results[name] = structuredClone((value as { data: unknown }).data);
    }
    return results;
  };
  return { backend: { run } as unknown as ComputeBackend, runs };
}
