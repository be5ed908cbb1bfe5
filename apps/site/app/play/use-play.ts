/** The state of the playground, and what its buttons do. */
import type { DeviceInfo, Threads } from "@kiln-gpu/core";
import type { BindingInfo } from "@kiln-gpu/core/backend";
import { computed, onBeforeUnmount, onMounted, reactive, shallowReactive, shallowRef, watch } from "vue";
import { fromLinkText, toLinkText } from "../link.js";
import { noAdapterAdvice, whyNoWebGpu } from "../why-no-gpu.js";
import { type Example, examples } from "./examples.js";
import { elementsOf } from "./files.js";
import type { BoundValue, FromWorker, Problem, Timings, ToWorker } from "./messages.js";
import { checkedProgram, type EntryPoint, type Program, type View } from "./program.js";
import {
  defaultUniform,
  type Elements,
  elementTypeOf,
  fieldsOf,
  fixedLengthOf,
  parseElements,
  parseUniform,
} from "./values.js";

/** Longer links break in mail and chats; such a program is downloaded instead. */
export const longestLink = 8192;
const settleMs = 300;
const fewRepeats = 9;

export function usePlay() {
  const state = reactive({
    wgsl: "",
    entryPoint: "",
    /** What each field says: by `binding`, or `binding.member`. */
    inputs: {} as Record<string, string>,
    outputs: {} as Record<string, number>,
    constants: {} as Record<string, string>,
    threads: "",
    view: { tab: "table", width: 0, pixels: "colors" } as Required<View>,
    absence: "",
    /** Whether the page listens. What is chosen before that would be lost. */
    isReady: false,
    isShared: false,
    isRunning: false,
    runsOnChange: false,
    problem: undefined as Problem | undefined,
    /** Errors of fields, by their key. */
    fieldProblems: {} as Record<string, string>,
    timings: undefined as Timings | undefined,
    device: undefined as DeviceInfo | undefined,
    notice: "",
  });
  const entryPoints = shallowRef<readonly EntryPoint[]>([]);
  const results = shallowRef<{ readonly [name: string]: Elements }>({});
  /** What files gave, in place of a field's text. */
  const files = shallowReactive<Record<string, Elements>>({});
  const entry = computed(() => entryPoints.value.find(({ name }) => name === state.entryPoint) ?? entryPoints.value[0]);
  const constantNames = computed(() =>
    [...state.wgsl.matchAll(/(?:^|[;\s])override\s+([A-Za-z_]\w*)[^=;]*(?:=\s*([^;]+))?;/g)].map(([, name, value]) => ({
      name: name!,
      value: value?.trim() ?? "",
    })),
  );

  let worker: Worker | undefined;
  let lastId = 0;
  let reflectId = 0;
  /** The text that was read last, and whether it could be. */
  let reflected: string | undefined;
  let isReadable = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waiting = new Map<number, (message: FromWorker) => void>();

  type Asked = ToWorker extends infer M ? (M extends unknown ? Omit<M, "id"> : never) : never;

  function ask(message: Asked): Promise<FromWorker> {
    const id = ++lastId;
    const answer = new Promise<FromWorker>((resolve) => waiting.set(id, resolve));
    worker?.postMessage({ ...message, id });
    return answer;
  }

  async function reflect(): Promise<void> {
    clearTimeout(timer);
    if (!worker || reflected === state.wgsl) return;
    const id = ++reflectId;
    const { wgsl } = state;
    const answer = await ask({ kind: "reflect", wgsl });
    if (id !== reflectId) return;
    reflected = wgsl;
    isReadable = answer.kind === "reflected";
    if (answer.kind === "refused") {
      state.problem = answer.problem;
      return;
    }
    if (answer.kind !== "reflected") return;
    state.problem = undefined;
    entryPoints.value = answer.entryPoints;
    if (!answer.entryPoints.some(({ name }) => name === state.entryPoint)) {
      state.entryPoint = answer.entryPoints[0]!.name;
    }
    for (const binding of entry.value!.bindings) fillIn(binding);
  }

  async function settle(): Promise<void> {
    await reflect();
    if (state.runsOnChange) await run();
  }

  /** Gives a binding that is new a value; others keep theirs by name. */
  function fillIn(binding: BindingInfo): void {
    const { name, kind, access, layout } = binding;
    if (kind === "uniform") {
      for (const { key, layout: own } of fieldsOf(binding)) state.inputs[key] ??= defaultUniform(own);
      return;
    }
    const fixed = fixedLengthOf(layout);
    if (access === "read") state.inputs[name] ??= fixed ? `zeros(${fixed})` : "ramp(64)";
    else if (state.inputs[name] === undefined) state.outputs[name] ??= fixed ?? 64;
  }

  /** Whether a written binding begins as zeros or with elements of the visitor's. */
  function setRole(name: string, isInput: boolean): void {
    if (isInput) {
      state.inputs[name] = `zeros(${state.outputs[name] ?? 64})`;
      delete state.outputs[name];
    } else {
      state.outputs[name] = 64;
      delete state.inputs[name];
      delete files[name];
    }
  }

  /** The values of the fields; undefined if some field is wrong, and says so. */
  function bound(): Record<string, BoundValue> | undefined {
    state.fieldProblems = {};
    const values: Record<string, BoundValue> = {};
    const read = <T>(key: string, parse: () => T): T | undefined => {
      try {
        return parse();
      } catch (error) {
        state.fieldProblems[key] = (error as Error).message;
        return undefined;
      }
    };
    for (const binding of entry.value?.bindings ?? []) {
      const { name, kind, access, layout } = binding;
      const type = elementTypeOf(layout);
      if (kind === "uniform") {
        const fields = fieldsOf(binding);
        const given = fields.map(({ key, layout: own }) => read(key, () => parseUniform(state.inputs[key] ?? "", own)));
        const members = fields.map(({ member }, i) => [member, given[i]]);
        const value = fields[0]?.member === undefined ? given[0] : Object.fromEntries(members);
        values[name] = { role: "uniform", value: value as never };
      } else if (access === "read-write" && state.outputs[name] !== undefined) {
        values[name] = { role: "out", type, length: state.outputs[name]! };
      } else {
        const data = files[name] ?? read(name, () => parseElements(state.inputs[name] ?? "", type));
        if (data) values[name] = { role: access === "read" ? "in" : "inout", data };
      }
    }
    return Object.keys(state.fieldProblems).length > 0 ? undefined : values;
  }

  async function run(repeats = fewRepeats): Promise<void> {
    if (!worker || state.isRunning) return;
    // The text may have been changed a moment ago, and its fields with it.
    await reflect();
    if (!isReadable || !entry.value) return;
    const bindings = bound();
    if (!bindings) return;
    const threads = threadsOf(state.threads);
    const constants = Object.fromEntries(
      Object.entries(state.constants)
        .filter(([name, text]) => text.trim() !== "" && constantNames.value.some((constant) => constant.name === name))
        .map(([name, text]) => [name, /^(true|false)$/.test(text.trim()) ? text.trim() === "true" : Number(text)]),
    );
    state.isRunning = true;
    state.isShared = false;
    const { wgsl } = state;
    const answer = await ask({
      kind: "run",
      wgsl,
      entryPoint: entry.value.name,
      constants,
      bindings,
      ...(threads && { threads }),
      repeats,
    });
    state.isRunning = false;
    if (answer.kind === "refused") {
      state.problem = answer.problem;
      if (answer.problem.code === "no-adapter") state.absence = noAdapterAdvice;
      return;
    }
    if (answer.kind !== "ran") return;
    state.problem = undefined;
    results.value = answer.results;
    state.timings = answer.timings;
    state.device = answer.device;
  }

  const program = (): Program => {
    const { wgsl, entryPoint, inputs, outputs, constants, threads, view } = state;
    const names = new Set(
      entry.value?.bindings.flatMap((binding) => [binding.name, ...fieldsOf(binding).map(({ key }) => key)]),
    );
    const used = <T>(given: Record<string, T>) =>
      Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)));
    const several = entryPoints.value.length > 1;
    return {
      v: 1,
      wgsl,
      ...(several && { entryPoint }),
      inputs: used(inputs),
      outputs: used(outputs),
      constants: { ...constants },
      threads,
      view: { ...view },
    };
  };

  function load({ wgsl, entryPoint = "", inputs, outputs, constants, threads, view }: Program): void {
    for (const name of Object.keys(files)) delete files[name];
    const width = view.width ?? 256;
    const pixels = view.pixels ?? "colors";
    const own = { inputs: { ...inputs }, outputs: { ...outputs }, constants: { ...constants } };
    Object.assign(state, { wgsl, entryPoint, threads, ...own, view: { tab: view.tab, width, pixels } });
    results.value = {};
    state.timings = undefined;
  }

  const choose = ({ program: chosen }: Example) => load(chosen);

  async function link(): Promise<string | undefined> {
    const { href } = new URL(`#s=${await toLinkText(program())}`, location.href);
    return href.length > longestLink ? undefined : href;
  }

  async function openFile(file: File): Promise<void> {
    state.notice = "";
    if (/\.spv$/i.test(file.name)) {
      const answer = await ask({ kind: "translate", spirv: new Uint8Array(await file.arrayBuffer()), name: file.name });
      if (answer.kind === "refused") state.problem = answer.problem;
      else if (answer.kind === "translated") {
        load({ v: 1, wgsl: answer.wgsl, inputs: {}, outputs: {}, constants: {}, threads: "", view: { tab: "table" } });
        state.notice = `This is what naga made of ${file.name}.`;
      }
      return;
    }
    try {
      const text = await file.text();
      if (/\.json$/i.test(file.name)) load(checkedProgram(JSON.parse(text)));
      else load({ v: 1, wgsl: text, inputs: {}, outputs: {}, constants: {}, threads: "", view: { tab: "table" } });
    } catch (error) {
      state.notice = (error as Error).message;
    }
  }

  async function openInput(binding: BindingInfo, file: File): Promise<void> {
    try {
      files[binding.name] = await elementsOf(file, elementTypeOf(binding.layout));
      state.inputs[binding.name] = file.name;
      delete state.fieldProblems[binding.name];
    } catch (error) {
      state.fieldProblems[binding.name] = (error as Error).message;
    }
  }

  watch(
    () => state.wgsl,
    () => {
      clearTimeout(timer);
      timer = setTimeout(settle, settleMs);
    },
  );
  watch(
    [() => ({ ...state.inputs }), () => ({ ...state.outputs }), () => ({ ...state.constants }), () => state.threads],
    () => {
      if (!state.runsOnChange) return;
      clearTimeout(timer);
      timer = setTimeout(() => run(), settleMs);
    },
  );

  onMounted(async () => {
    const reason = whyNoWebGpu();
    state.absence = reason ?? "";
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
    });
    const linked = /^#s=(.+)$/.exec(location.hash)?.[1];
    try {
      load(linked ? checkedProgram(await fromLinkText(linked)) : examples[0].program);
      // Someone else's shader might hang the GPU: the visitor decides.
      state.isShared = linked !== undefined;
    } catch (error) {
      state.notice = (error as Error).message;
      load(examples[0].program);
    }
    state.isReady = true;
    await reflect();
  });
  onBeforeUnmount(() => worker?.terminate());

  return {
    state,
    entryPoints,
    entry,
    constantNames,
    results,
    files,
    run,
    setRole,
    choose,
    link,
    program,
    openFile,
    openInput,
  };
}

function threadsOf(text: string): Threads | undefined {
  const numbers = text
    .split(/[\s,x×]+/)
    .filter(Boolean)
    .map(Number);
  if (numbers.length === 0) return undefined;
  return numbers.length === 1 ? numbers[0]! : (numbers.slice(0, 3) as unknown as Threads);
}
