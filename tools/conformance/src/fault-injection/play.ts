/** Plays a part of the work on a failing device and lists everything that is wrong with the outcome. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, isComputeError } from "@kiln-gpu/core";
import { expectNothingLive, software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { type Fault, Injection, losesDevice } from "./faults.js";
import { type Interceptor, watchedDevice } from "./faulty-device.js";
import { type Judge, type PartName, parts } from "./workloads.js";

/** One call and its fault. */
export interface Case {
  readonly part: PartName;
  readonly method: string;
  readonly fault: Fault;
  /** The index among the calls of `method` in `part`. */
  readonly at: number;
}

/** For each method that a part calls: how often, and whether it returns promises. */
export type Recording = ReadonlyMap<string, { readonly calls: number; readonly isAsynchronous: boolean }>;

/** A hang: thousands of times as long as anything here takes. */
const hangMs = 60_000;

/** The calls of `part` if nothing fails, including those of `dispose`. */
export async function record(part: PartName): Promise<Recording> {
  const recording = new Map<string, { calls: number; isAsynchronous: boolean }>();
  const problems: string[] = [];
  await onDevice(async (device) => {
    const watched = watchedDevice(device, ({ method, perform }) => {
      const seen = recording.get(method) ?? { calls: 0, isAsynchronous: false };
      recording.set(method, seen);
      seen.calls += 1;
      const value = perform();
      seen.isAsynchronous ||= value instanceof Promise;
      return value;
    });
    const backend = await openPersistentBackend({ device: watched, leakDetection: false });
    await parts[part](
      backend,
      judgeInto(problems, () => false),
    );
    await backend.dispose();
  });
  if (problems.length > 0) throw new Error(`Without any fault: ${problems.join("; ")}`);
  return recording;
}

export interface Verdict {
  readonly hasStruck: boolean;
  /** The problems, as sentences. */
  readonly problems: readonly string[];
}

export async function play({ part, method, fault, at }: Case): Promise<Verdict> {
  const problems: string[] = [];
  const onUnhandled = (reason: unknown) => problems.push(`nobody handles a rejection: ${String(reason)}`);
  process.on("unhandledRejection", onUnhandled);
  let hasStruck = false;
  try {
    await onDevice(async (device) => {
      const injection = new Injection(device, method, fault, at);
      const living = new Living();
      const watched = watchedDevice(device, (call) => living.watch(call, injection.intercept));
      const backend = await openPersistentBackend({ device: watched, leakDetection: false });
      const isLost = losesDevice(fault);
      const mayReject = (error: unknown) => injection.hasStruck && isAllowed(error, fault);
      await within("the part", problems, parts[part](backend, judgeInto(problems, mayReject)));
      if (injection.hasStruck && isLost) {
        const judge = judgeInto(problems, (error) => isComputeError(error, "device-lost"));
        await within("the part on a lost device", problems, parts[part](backend, judge));
      } else if (injection.hasStruck) {
        injection.disarm();
        const again: string[] = [];
        await within(
          "the part after the fault",
          again,
          parts[part](
            backend,
            judgeInto(again, () => false),
          ),
        );
        problems.push(...again.map((problem) => `after the fault, ${problem}`));
      }
      await within("dispose", problems, backend.dispose());
      hasStruck = injection.hasStruck;
      // `dispose` waits for a lost device for at most a second. What it abandoned must be freed when the device
      // answers.
      const deadline = performance.now() + (isLost ? hangMs : 0);
      let left = leftOf(backend, living);
      while (left.length > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        left = leftOf(backend, living);
      }
      problems.push(...left);
      if (!isLost) await expectNoScope(device, problems);
      // Unhandled rejections are reported in a later task.
      await new Promise((resolve) => setTimeout(resolve, 0));
    });
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
  return { hasStruck, problems };
}

/** Whether `fault` may make a run reject with `error`. A run also rejects if it needs the result of a failed one. */
function isAllowed(error: unknown, fault: Fault): boolean {
  if (fault === "finds no memory once") return false;
  if (fault === "finds no memory") {
    return isComputeError(error, "out-of-memory") || isComputeError(error, "dependency-failed");
  }
  return isComputeError(error, losesDevice(fault) ? "device-lost" : undefined);
}

/** Objects that must be destroyed explicitly, because a caller's device outlives the backend. */
class Living {
  readonly #living = new Map<object, string>();

  watch(call: Parameters<Interceptor>[0], intercept: Interceptor): unknown {
    if (/\.destroy$/.test(call.method)) this.#living.delete(call.target);
    const value = intercept(call);
    if (/\.create(Buffer|QuerySet)$/.test(call.method)) this.#living.set(value as object, call.method.slice(16));
    return value;
  }

  left(): string[] {
    return [...this.#living.values()];
  }
}

function leftOf(backend: ComputeBackend, living: Living): string[] {
  try {
    expectNothingLive(backend);
    return living.left().map((what) => `${what} is never destroyed`);
  } catch {
    const { runs, pipelines, bindGroups, buffers } = backend.stats();
    const live = [runs.pending, pipelines.live, bindGroups.live, buffers.live, buffers.bytes];
    return [`runs, pipelines, bind groups, buffers and bytes are left: ${live.join(", ")}`];
  }
}

/** All users of a device share one stack of error scopes: a scope left open would catch their errors. */
async function expectNoScope(device: GPUDevice, problems: string[]): Promise<void> {
  try {
    await device.popErrorScope();
    problems.push("an error scope is left open");
  } catch {
    // There is none.
  }
}

function judgeInto(problems: string[], mayReject: (error: unknown) => boolean): Judge {
  return async (what, promise, check) => {
    const settled = promise.then(
      (value) => {
        try {
          check?.(value);
        } catch (error) {
          problems.push(`${what} is wrong: ${String(error)}`);
        }
        return value;
      },
      (error: unknown) => {
        if (!mayReject(error)) problems.push(`${what} rejects with ${describe(error)}`);
        return undefined;
      },
    );
    return await within(what, problems, settled);
  };
}

function describe(error: unknown): string {
  if (!isComputeError(error)) return String(error);
  return `ComputeError ${error.code}: ${error.message.slice(0, 160)}`;
}

async function within<T>(what: string, problems: string[], promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      problems.push(`${what} hangs`);
      resolve(undefined);
    }, hangMs);
  });
  try {
    return await Promise.race([promise, hang]);
  } catch (error) {
    problems.push(`${what} throws ${describe(error)}`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Each case gets its own device, because a fault may break a device for the next case. */
async function onDevice(work: (device: GPUDevice) => Promise<void>): Promise<void> {
  const { device, close } = await openDevice(software);
  // Errors outside every scope arrive here. They come from the fault, not from the backend.
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  try {
    await work(device);
  } finally {
    await close();
  }
}
