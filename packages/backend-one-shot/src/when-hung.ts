import type { Caller } from "@kiln-gpu/core";

/**
 * Calls `onHang` when the caller has left, on a signal or a timeout, and the work has not ended `graceMs` milliseconds later: WebGPU never
 * ends a kernel that does not end by itself.
 * @returns To be called when the work has ended.
 */
export function whenHung(caller: Caller, graceMs: number, onHang: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;
  caller.onLeave(() => {
    if (!hasEnded) timer = setTimeout(onHang, graceMs);
  });
  return () => {
    hasEnded = true;
    clearTimeout(timer);
  };
}
