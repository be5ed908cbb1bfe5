import { type Bindings, type ComputeBackend, type Kernel, type Output, type RunOptions, roleOf } from "@kiln-gpu/core";

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
