/** The worker that reads and runs shaders, with a backend of its own: a kernel that never ends stops nothing else. */
import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import {
  type Bindings,
  defineKernel,
  inout,
  isComputeError,
  output,
  type RunProfile,
  type TypedArrayConstructor,
} from "@kiln-gpu/core";
import { loadEntryPoints } from "@kiln-gpu/shader";
import type { BoundValue, FromWorker, RunRequest, Timings, ToWorker } from "./messages.js";
import { constructorOf, type Elements } from "./values.js";

const deadlineMs = 2000;
const slowMs = 200;
const subject = "The shader";

let opening: Promise<PersistentComputeBackend> | undefined;
let openMs = 0;

const tell = (message: FromWorker) => postMessage(message);

addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
  try {
    if (data.kind === "reflect") tell({ kind: "reflected", id: data.id, entryPoints: await reflect(data.wgsl) });
    else if (data.kind === "translate") tell({ kind: "translated", id: data.id, wgsl: await translate(data) });
    else tell(await run(data));
  } catch (error) {
    tell({ kind: "refused", id: data.id, problem: problemOf(error) });
  }
});

function problemOf(error: unknown) {
  if (!isComputeError(error)) return { code: "defect", message: String(error), diagnostics: [] };
  const isStuck = error.code === "timeout" || error.code === "device-lost";
  const stuck = `The kernel did not end in ${deadlineMs / 1000} s; another device was opened.`;
  return { code: error.code, message: isStuck ? stuck : error.message, diagnostics: error.diagnostics };
}

async function reflect(wgsl: string) {
  const loaded = await loadEntryPoints({ wgsl }, subject);
  return loaded.map(({ interface: { entryPoint, workgroupSize, bindings } }) => ({
    name: entryPoint,
    workgroupSize,
    bindings,
  }));
}

async function translate({ spirv, name }: { readonly spirv: Uint8Array; readonly name: string }): Promise<string> {
  const [first] = await loadEntryPoints({ spirv, file: name }, `"${name}"`);
  return first!.wgsl;
}

async function backend(): Promise<PersistentComputeBackend> {
  const startMs = performance.now();
  opening ??= openPersistentBackend({ deadlineMs, byteBudget: 512 * 2 ** 20, store: false, lossRetries: 0 });
  try {
    const opened = await opening;
    openMs ||= performance.now() - startMs;
    return opened;
  } catch (error) {
    opening = undefined;
    throw error;
  }
}

async function run({
  id,
  wgsl,
  entryPoint,
  constants,
  bindings,
  threads,
  repeats,
}: RunRequest & { readonly id: number }) {
  const gpu = await backend();
  const kernel = defineKernel({ label: "shader", wgsl, entryPoint, constants });
  const bound: Bindings = Object.fromEntries(Object.entries(bindings).map(([name, value]) => [name, bind(value)]));
  const once = async () => {
    const { profile, ...results } = await gpu.run(kernel, bound, { ...(threads && { threads }), profile: true });
    return { results: results as { readonly [name: string]: Elements }, profile };
  };
  const { results, profile: first } = await once();
  const count = first.totalMs > slowMs ? 1 : repeats;
  const profiles: RunProfile[] = [];
  for (let i = 0; i < count; i += 1) profiles.push((await once()).profile);
  profiles.sort((x, y) => x.totalMs - y.totalMs);
  const at = (share: number) => profiles[Math.min(Math.floor(share * count), count - 1)]!;
  const timings: Timings = {
    openMs,
    first,
    warm: at(0.5),
    warmMs: { median: at(0.5).totalMs, p10: at(0.1).totalMs, p90: at(0.9).totalMs, count },
  };
  return { kind: "ran", id, device: gpu.device, results, timings } as const;
}

function bind(value: BoundValue): Bindings[string] {
  switch (value.role) {
    case "in":
      return value.data;
    case "inout":
      return inout(value.data);
    case "out":
      return output(constructorOf(value.type) as TypedArrayConstructor<Elements>, value.length);
    case "uniform":
      return value.value;
  }
}
