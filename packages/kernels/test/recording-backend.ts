import type { Bindings, ComputeBackend, Kernel, Output, RunOptions } from "@kiln-gpu/core";

export interface RecordedRun {
  readonly kernel: unknown;
  readonly bindings: Bindings;
  readonly options: RunOptions | undefined;
}

/** Computes nothing: writes down what it is asked to run, and resolves with zeros, or with a copy of an `inout`. */
export function recordingBackend(): { readonly backend: ComputeBackend; readonly runs: RecordedRun[] } {
  const runs: RecordedRun[] = [];
  const run = async (kernel: Kernel, bindings: Bindings, options?: RunOptions) => {
    runs.push({ kernel, bindings, options });
    const results: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(bindings)) {
      if (typeof value !== "object" || !("role" in value)) continue;
      if (value.role === "output") {
        const { type, length } = value as Output;
        results[name] = new type(length);
      }
      if (value.role === "inout") results[name] = structuredClone((value as { data: unknown }).data);
    }
    return results;
  };
  return { backend: { run } as unknown as ComputeBackend, runs };
}
