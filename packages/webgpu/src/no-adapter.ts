import { ComputeError } from "@kiln-gpu/core";

export function noAdapterHere(cause?: unknown): ComputeError {
  return new ComputeError(
    "no-adapter",
    "There is no WebGPU adapter on this machine. Install a GPU driver with Vulkan, Metal or Direct3D 12, or pass " +
      "`fallback: softwareGpu` of @kiln-gpu/software-gpu.",
    { cause },
  );
}

export function noSuchAdapter(wanted: string, names: readonly string[], cause?: unknown): ComputeError {
  const found = names.length > 0 ? names.map((name) => `"${name}"`).join(", ") : "none";
  return new ComputeError("no-adapter", `No adapter's name contains "${wanted}"; found: ${found}.`, { cause });
}
