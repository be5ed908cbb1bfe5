import { styleText } from "node:util";
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, defineKernel, output } from "@kiln-gpu/core";
import { type Command, parseOptions } from "./command.js";
import { describeGpu, deviceOptions, gpuOptions, gpuOptionsHelp } from "./open-gpu.js";
import { quantilesOf, timeRuns } from "./run/time-runs.js";
import { table } from "./table.js";
import { UsageError } from "./usage-error.js";

const help = `Usage: kiln bench [options]

Shows what a call costs on this machine. It adds two arrays of f32 in four ways: on the backend that makes and destroys
everything for each call, on the one that keeps everything (its first call, then warm ones), and in a plain loop without
a GPU. Every result is checked. The times are medians in milliseconds.

Options:
  --sizes LIST      elements of each array (default: 64,4096,65536)
  --repeat N        how many warm calls to time, at most (default: 100)
${gpuOptionsHelp}
  --json            prints JSON
  -h, --help        prints this help

Exits with 1 if a run fails or a result is wrong, and with 2 if the command line has an error.`;

const add = defineKernel({
  label: "add",
  wgsl: `@group(0) @binding(0) var<storage, read> a: array<f32>;
    @group(0) @binding(1) var<storage, read> b: array<f32>;
    @group(0) @binding(2) var<storage, read_write> c: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] + b[id.x]; }
    }`,
});

interface Row {
  readonly elements: number;
  readonly oneShotMs: number;
  readonly firstMs: number;
  readonly warmMs: number;
  readonly plainLoopMs: number;
}

/** A one-shot call takes long enough that a few tell. */
const oneShotCalls = 5;

export const command: Command = {
  help,
  async run(args, { folder, output: stream, errors }) {
    const given = parseOptions(args, { ...gpuOptions, sizes: "value", repeat: "value", json: "flag" });
    given.refusePaths();
    const sizes = (given.value("sizes") ?? "64,4096,65536").split(",").map(sizeOf);
    const repeats = given.count("repeat", 100);
    // What earlier processes have kept must not shorten the first call.
    const device = await deviceOptions(given, folder);
    const rows: Row[] = [];
    await using oneShot = await openOneShotBackend(device);
    for (const size of sizes) {
      await using persistent = await openPersistentBackend({ ...device, store: false });
      const row = await measure(size, repeats, oneShot, persistent);
      if (!row) {
        errors.write(`A result at ${size} elements is wrong.\n`);
        return 1;
      }
      rows.push(row);
    }
    const { name, isSoftware } = oneShot.device;
    if (given.flag("json")) {
      stream.write(`${JSON.stringify({ device: { name, isSoftware }, rows }, null, 2)}\n`);
      return 0;
    }
    const head = ["elements", "one-shot", "first", "warm", "plain loop", "one-shot / warm"];
    const cells = rows.map(({ elements, oneShotMs, firstMs, warmMs, plainLoopMs }) => [
      String(elements),
      ...[oneShotMs, firstMs, warmMs, plainLoopMs].map((value) => `${value.toFixed(3)} ms`),
      `${(oneShotMs / warmMs).toFixed(1)}x`,
    ]);
    stream.write(`${styleText("dim", describeGpu(oneShot.device), { stream })}\n${table([head, ...cells])}\n`);
    return 0;
  },
};

/** Returns nothing if a result is wrong. */
async function measure(
  size: number,
  repeats: number,
  oneShot: ComputeBackend,
  persistent: ComputeBackend,
): Promise<Row | undefined> {
  const a = Float32Array.from({ length: size }, (_, i) => i);
  const b = Float32Array.from({ length: size }, (_, i) => 0.5 * i);
  const expected = a.map((value, i) => value + b[i]!);
  let isRight = true;
  const callOn = (backend: ComputeBackend) => async () => {
    const { c } = await backend.run(add, { a, b, c: output(Float32Array, size) });
    isRight &&= c.every((value, i) => value === expected[i]);
  };
  const medianOf = async (count: number, run: () => Promise<void>) => quantilesOf(await timeRuns(count, run)).medianMs;
  const oneShotMs = await medianOf(oneShotCalls, callOn(oneShot));
  const firstMs = await medianOf(1, callOn(persistent));
  const warmMs = await medianOf(repeats, callOn(persistent));
  const plainLoopMs = await medianOf(repeats, async () => {
    const c = new Float32Array(size);
    for (let i = 0; i < size; i++) c[i] = a[i]! + b[i]!;
    isRight &&= c.every((value, i) => value === expected[i]);
  });
  return isRight ? { elements: size, oneShotMs, firstMs, warmMs, plainLoopMs } : undefined;
}

function sizeOf(text: string): number {
  const size = Number(text);
  if (text.trim() !== "" && Number.isInteger(size) && size >= 1 && size <= 2 ** 24) return size;
  throw new UsageError(`--sizes must be a list of whole numbers from 1 to 16777216; got "${text}".`);
}
