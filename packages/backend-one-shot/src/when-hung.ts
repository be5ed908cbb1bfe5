import type { Caller } from "@kiln-gpu/core/backend";

/** The longest time that Node's timers take. */
const longestTimerMs = 0x7fff_ffff;

/**
 * WebGPU cannot stop a kernel. This calls `onHang` if the caller has left, on a signal or a timeout, and the work has
 * not ended `graceMs` milliseconds later.
 * @returns A function to call when the work has ended.
 */
export function whenHung(caller: Caller, graceMs: number, onHang: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;
  caller.onLeave(() => {
    if (!hasEnded) timer = setTimeout(onHang, Math.min(graceMs, longestTimerMs));
  });
  return () => {
    hasEnded = true;
    clearTimeout(timer);
  };
}
