import { ComputeError } from "@kiln-gpu/core";

/**
 * Refuses a Node that lacks what Kiln uses of it. Some older versions than the supported ones have it too.
 * @throws {ComputeError} `no-adapter`
 */
export function checkNode(): void {
  const { process } = globalThis as { process?: { versions?: { node?: string }; getBuiltinModule?: unknown } };
  const version = process?.versions?.node;
  if (version === undefined || process?.getBuiltinModule !== undefined) return;
  throw new ComputeError("no-adapter", `Kiln needs Node 20.19 or later; this is Node ${version}.`);
}
