import type { Bindings } from "../bindings/bindings.js";
import { takeBindings } from "../bindings/take-bindings.js";
import type { RunOptions } from "../contract/run-options.js";
import { callOwn } from "../errors/call-own.js";
import { named } from "../errors/refusal.js";
import type { DispatchSize, Threads, Workgroups } from "../kernel/dispatch-size.js";
import { checkKernel, type Kernel } from "../kernel/kernel.js";

/** What a call of `run` asks for, as it was when it was asked for. */
export interface TakenRun {
  readonly kernel: Kernel;
  readonly bindings: Bindings;
  readonly size: DispatchSize;
  readonly options: RunOptions;
}

/**
 * Takes a call of `run`; nothing of it is read again later but the elements of its typed arrays.
 * @throws {ComputeError} `invalid-kernel` for anything but a kernel; `invalid-binding` for bindings that are not an object; `invalid-option`.
 */
export function takeRun(kernel: Kernel, bindings: unknown, options: RunOptions): TakenRun {
  checkKernel(kernel);
  const subject = `Kernel "${kernel.label}"`;
  const taken = takeBindings(subject, bindings as Bindings);
  const { workgroups, threads } = options;
  if (workgroups === undefined && threads === undefined) {
    return { kernel, bindings: taken, size: noSize, options: { ...options } };
  }
  const size: DispatchSize = {
    ...(workgroups !== undefined && { workgroups: sizeOf(workgroups) }),
    ...(threads !== undefined && {
      threads: sizeOf(
        typeof threads === "function"
          ? named(subject, () => callOwn("threads", "invalid-option", () => threads(taken)))
          : threads,
      ),
    }),
  };
  return { kernel, bindings: taken, size, options: { ...options } };
}

const noSize: DispatchSize = Object.freeze({});

function sizeOf<S extends Threads | Workgroups>(size: S): S {
  return (Array.isArray(size) ? [...size] : size) as S;
}
