import type { Bindings } from "../bindings/bindings.js";
import { checkOptionNames } from "../bindings/check-options.js";
import { takeBindings } from "../bindings/take-bindings.js";
import { type RunOptions, runOptionNames } from "../contract/run-options.js";
import { callOwn } from "../errors/call-own.js";
import { named, Refusal } from "../errors/refusal.js";
import type { DispatchSize, Threads, Workgroups } from "../kernel/dispatch-size.js";
import { indirectBindings, indirectKernel, indirectSource } from "../kernel/indirect-kernel.js";
import { checkKernel, type Kernel } from "../kernel/kernel.js";

/** What a call of `run` asks for, as it was at the time of the call. */
export interface TakenRun {
  readonly kernel: Kernel;
  readonly bindings: Bindings;
  readonly size: DispatchSize;
  readonly options: RunOptions;
}

/**
 * Copies what a call of `run` asks for. Only the elements of its typed arrays are read later.
 * @param known The names of the options that the call takes.
 * @throws {ComputeError} `invalid-kernel` if `kernel` is not a kernel; `invalid-binding` if `bindings` is not an
 *   object; `invalid-option`.
 */
export function takeRun(
  kernel: Kernel,
  bindings: unknown,
  options: RunOptions = noOptions,
  known: ReadonlySet<string> = runOptionNames,
): TakenRun {
  checkKernel(kernel);
  const subject = `Kernel "${kernel.label}"`;
  const taken = takeBindings(subject, bindings as Bindings);
  if (options === noOptions) return { kernel, bindings: taken, size: noSize, options };
  checkOptionNames(`The run of kernel "${kernel.label}"`, options, known);
  const { workgroups, threads } = options;
  if (workgroups === undefined && threads === undefined) {
    return { kernel, bindings: taken, size: noSize, options: { ...options } };
  }
  const indirect = named(subject, () => takeIndirect(kernel, taken, workgroups, threads));
  if (indirect) return { ...indirect, size: noSize, options: { ...options } };
  const size: DispatchSize = {
    ...(workgroups !== undefined && { workgroups: sizeOf(workgroups as Workgroups) }),
    ...(threads !== undefined && {
      threads: sizeOf(
        typeof threads === "function"
          ? named(subject, () => callOwn("threads", "invalid-option", () => threads(taken)))
          : (threads as Threads),
      ),
    }),
  };
  return { kernel, bindings: taken, size, options: { ...options } };
}

/** The kernel and the bindings of a run whose size is read on the GPU; `undefined` if the host gives it. */
function takeIndirect(
  kernel: Kernel,
  bindings: Bindings,
  workgroups: RunOptions["workgroups"],
  threads: RunOptions["threads"],
): Pick<TakenRun, "kernel" | "bindings"> | undefined {
  const ofGroups = indirectSource("workgroups", workgroups);
  const source = ofGroups ?? indirectSource("threads", threads);
  if (!source) return undefined;
  if (workgroups !== undefined && threads !== undefined) {
    throw new Refusal("invalid-option", "is given both `threads` and `workgroups`; give one of them.");
  }
  const word = ofGroups ? "workgroups" : "threads";
  return { kernel: indirectKernel(kernel, word), bindings: { ...bindings, ...indirectBindings(word, source) } };
}

const noOptions: RunOptions = Object.freeze({});
const noSize: DispatchSize = Object.freeze({});

function sizeOf<S extends Threads | Workgroups>(size: S): S {
  return (Array.isArray(size) ? [...size] : size) as S;
}
