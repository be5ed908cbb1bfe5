/** The state of the bench page, and what its buttons do. */
import type { DeviceInfo } from "@kiln-gpu/core";
import { computed, onBeforeUnmount, onMounted, reactive, shallowRef } from "vue";
import { formatSize } from "../../../bench/src/format.js";
import type { Section } from "../../../bench/src/section.js";
import type { Step } from "../../../bench/src/suite.js";
import { noAdapterAdvice, whyNoWebGpu } from "../why-no-gpu.js";
import type { Failure, FromWorker, RunRequest, Smoke, SuiteName, ToWorker } from "./messages.js";
import { linkTextOf, type Measured, measuredIn, parseResult, type Result, resultOf, resultOfLink } from "./results.js";

type Phase = "opening" | "absent" | "idle" | "running";

const allSizes: { readonly [suite in SuiteName]: readonly number[] } = {
  comparison: [64, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16, 2 ** 20],
  transfer: [64, 2 ** 10, 2 ** 14, 2 ** 16, 2 ** 20, 2 ** 22],
  throughput: [64, 2 ** 16],
  chain: [2 ** 10, 2 ** 16],
  compute: [2 ** 12, 2 ** 16, 2 ** 20, 2 ** 22],
};
/** On a software GPU larger arrays take minutes. */
const largestSoftwareSize = 2 ** 16;

export interface ShownResult {
  readonly measured: Measured;
  readonly result: Result;
  /** Where it comes from, if it was not measured here and now. */
  readonly origin?: string;
}

export function useBench() {
  const state = reactive({
    phase: "opening" as Phase,
    /** Why there is no GPU. */
    absence: "",
    device: undefined as DeviceInfo | undefined,
    timerStepUs: 0,
    isIsolated: false,
    browser: "",
    smoke: undefined as Smoke | undefined,
    isSmoking: false,
    suite: "comparison" as SuiteName,
    sizes: [] as number[],
    iterations: 40,
    step: undefined as Step | undefined,
    /** Of the contender that was timed last. */
    calls: undefined as { readonly name: string; readonly done: number; readonly total: number } | undefined,
    startMs: 0,
    isPaused: false,
    pauses: 0,
    failure: undefined as Failure | undefined,
    notice: "",
  });
  /** The latest samples of the present step, for the strip chart. */
  const samples = shallowRef<ReadonlyMap<string, readonly number[]>>(new Map());
  const sections = shallowRef<readonly Section[]>([]);
  const shown = shallowRef<ShownResult>();
  const other = shallowRef<ShownResult>();
  let worker: Worker | undefined;

  const availableSizes = computed(() =>
    allSizes[state.suite].filter((size) => !state.device?.isSoftware || size <= largestSoftwareSize),
  );
  const progress = computed(() => {
    const { step, calls } = state;
    if (!step) return { value: 0, text: "" };
    const within = calls ? calls.done / calls.total : 0;
    const value = (step.done + within * 0.999) / step.total;
    const elapsedMs = performance.now() - state.startMs;
    const leftMs = value > 0.25 ? (elapsedMs / value) * (1 - value) : undefined;
    const parts = [step.text.replace(/, \d+ .*$/, "")];
    if (calls) parts.push(`${calls.done} of ${calls.total} calls`);
    if (leftMs !== undefined) parts.push(`about ${Math.max(Math.round(leftMs / 1e3), 1)} s left`);
    return { value, text: parts.join(", ") };
  });

  const ask = (message: ToWorker) => worker?.postMessage(message);

  function chooseSuite(suite: SuiteName): void {
    state.suite = suite;
    const own = availableSizes.value;
    const software = state.device?.isSoftware;
    state.sizes = suite === "comparison" && software ? [64, 2 ** 12, 2 ** 16] : own.filter((size) => size <= 2 ** 16);
    state.iterations = software ? 10 : 40;
  }

  function startWorker(): void {
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => hear(data));
    worker.addEventListener("error", ({ message }) => {
      state.failure = { code: "worker", message: message || "The worker of this page could not start." };
      if (state.phase === "opening") fallBack("The worker of this page could not start.");
    });
  }

  function hear(message: FromWorker): void {
    if (message.kind === "device") {
      state.device = message.device;
      state.timerStepUs = message.timerStepUs;
      if (state.phase === "opening") state.phase = "idle";
      chooseSuite(state.suite);
      if (maySmoke(message.device)) smoke();
    } else if (message.kind === "smoke") {
      state.smoke = message.smoke;
      state.isSmoking = false;
    } else if (message.kind === "step") {
      state.step = message.step;
      state.calls = undefined;
      samples.value = new Map();
    } else if (message.kind === "samples") {
      const gathered = new Map(samples.value);
      for (const { name, ms } of message.samples) gathered.set(name, [...(gathered.get(name) ?? []), ms]);
      samples.value = gathered;
      state.calls = message.samples.at(-1);
    } else if (message.kind === "end") {
      sections.value = message.sections;
      const measured: Measured = { suite: state.suite, figures: message.figures, sections: message.sections };
      shown.value = { measured, result: resultOf(measured, state.device!, pageFacts()) };
      state.phase = "idle";
      state.notice = "";
    } else if (message.kind === "cancelled") {
      state.phase = "idle";
      state.notice = "The run was cancelled.";
    } else if (message.kind === "failed") {
      state.isSmoking = false;
      if (message.during === "open") {
        fallBack(message.failure.code === "no-adapter" ? noAdapterAdvice : message.failure.message);
        return;
      }
      state.failure = message.failure;
      if (message.during === "run") state.phase = "idle";
    }
  }

  function pageFacts() {
    const { browser, timerStepUs, isIsolated, pauses } = state;
    return { browser, timerStepUs, isIsolated, pauses, isoDate: new Date().toISOString() };
  }

  function smoke(): void {
    state.isSmoking = true;
    ask({ kind: "smoke" });
  }

  function run(): void {
    state.failure = undefined;
    state.notice = "";
    state.phase = "running";
    state.startMs = performance.now();
    state.step = undefined;
    state.pauses = 0;
    const request: RunRequest = {
      suite: state.suite,
      sizes: [...state.sizes].sort((x, y) => x - y),
      iterations: Math.min(Math.max(Math.round(state.iterations) || 1, 1), 2000),
    };
    ask({ kind: "run", ...request });
  }

  const cancel = () => ask({ kind: "cancel" });

  /** There is no GPU here: the run of another machine is shown in its place. */
  async function fallBack(reason: string): Promise<void> {
    state.phase = "absent";
    state.absence = reason;
    if (!shown.value) await showRecorded();
  }

  async function showRecorded(): Promise<void> {
    const { default: recorded } = await import("../../../../docs/results/2026-11-22-h200.json");
    show(recorded as unknown as Result, "recorded on one NVIDIA H200 on 2026-11-22, not run here");
  }

  function show(result: Result, origin: string): void {
    const measured = measuredIn(result);
    if (measured) shown.value = { measured, result: { ...result, suites: result.suites ?? {} }, origin };
  }

  async function showLinked(text: string): Promise<void> {
    try {
      const result = await resultOfLink(text);
      const on = result.page ? ` on ${result.page.isoDate.slice(0, 10)}` : "";
      show(result, `recorded on ${result.device.name}${on}, not run here`);
    } catch (error) {
      state.notice = (error as Error).message;
    }
  }

  async function compareWith(file: File): Promise<void> {
    try {
      const result = parseResult(await file.text());
      const measured = measuredIn(result)!;
      const compared = { measured, result, origin: file.name };
      if (!shown.value) shown.value = compared;
      else if (shown.value.measured.suite === measured.suite) other.value = compared;
      else throw new Error(`The file has the suite "${measured.suite}", and this is "${shown.value.measured.suite}".`);
      state.notice = "";
    } catch (error) {
      state.notice = (error as Error).message;
    }
  }

  async function link(): Promise<string> {
    const hash = `#r=${await linkTextOf(shown.value!.result)}`;
    return new URL(hash, location.href).href;
  }

  const onVisibility = () => {
    const isPaused = document.visibilityState === "hidden" && state.phase === "running";
    if (isPaused) state.pauses += 1;
    state.isPaused = isPaused;
    ask({ kind: "pause", isPaused });
  };

  onMounted(async () => {
    state.isIsolated = globalThis.crossOriginIsolated ?? false;
    state.browser = browserName();
    document.addEventListener("visibilitychange", onVisibility);
    const linked = /^#r=(.+)$/.exec(location.hash)?.[1];
    if (linked) await showLinked(linked);
    const reason = whyNoWebGpu();
    if (reason) return fallBack(reason);
    startWorker();
    ask({ kind: "open" });
  });
  onBeforeUnmount(() => {
    document.removeEventListener("visibilitychange", onVisibility);
    worker?.terminate();
  });

  return {
    state,
    samples,
    sections,
    shown,
    other,
    availableSizes,
    progress,
    chooseSuite,
    smoke,
    run,
    cancel,
    compareWith,
    showRecorded,
    link,
    sizeText: formatSize,
  };
}

/**
 * Whether a short first measurement may start by itself: not on a software GPU, where data is to be saved, or where the
 * page shows a recorded result.
 */
function maySmoke({ isSoftware }: DeviceInfo): boolean {
  const saves = matchMedia("(prefers-reduced-data: reduce)").matches || location.hash.startsWith("#r=");
  return !isSoftware && !saves;
}

interface Brands {
  readonly userAgentData?: { readonly brands: readonly { readonly brand: string; readonly version: string }[] };
}

function browserName(): string {
  const brands = (navigator as Brands).userAgentData?.brands.filter(({ brand }) => !/not.?a.?brand/i.test(brand));
  if (brands?.length) return brands.map(({ brand, version }) => `${brand} ${version}`).join(", ");
  return /(Firefox|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0] ?? "unknown";
}
