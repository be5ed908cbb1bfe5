/**
 * Looks for data races in workgroup memory, in a thread that its caller can stop. `wgsl_reflect` runs the threads of one
 * workgroup in turn between barriers, and compares what they read and write. Its results are used for nothing else: it
 * does not know all of WGSL.
 */

import { Worker } from "node:worker_threads";
import { type BindingInfo, minByteLengthOf, type TypeLayout } from "@kiln-gpu/core/backend";
import type { LoadedProgram } from "@kiln-gpu/shader";
import type { Race, RaceAnswer, RaceRequest, Use } from "../detect-races.js";

export type RaceSearch =
  | { readonly races: readonly Race[] }
  /** Why it cannot be told whether there are races. */
  | { readonly unknown: string };

const longestMs = 10_000;

/** Enough for one workgroup, and few enough to loop over. */
const runtimeElements = 8192;
/** What whole numbers are: often a length. */
const wholeNumber = 64;

/** @param wgsl The text of the program, with a buffer in place of each `var<immediate>`. */
export async function findRaces(program: LoadedProgram, wgsl: string): Promise<RaceSearch> {
  const variables = [...wgsl.matchAll(/\bvar\s*<\s*workgroup\s*>\s*(\w+)/g)].map(([, name]) => name!);
  if (variables.length === 0) return { races: [] };
  const { entryPoint, bindings } = program.interface;
  const request: RaceRequest = {
    wgsl: withoutTakenNames(wgsl),
    entryPoint,
    bindings: bindings.map((info) => ({
      group: info.group,
      binding: info.binding,
      kind: info.kind,
      bytes: fill(info),
    })),
    constants: program.constants,
  };
  const answer = await ask(request);
  if ("problem" in answer) return { unknown: `the emulator stopped: ${answer.problem}` };
  // Invented values may make two threads of a right kernel write one element of a buffer. In workgroup memory they only
  // decide how often a loop runs.
  return { races: distinct(answer.races.filter(({ variable }) => variables.includes(variable))) };
}

function ask(request: RaceRequest): Promise<RaceAnswer> {
  const worker = new Worker(new URL("./detect-races.js", import.meta.url), {
    workerData: request,
    stdout: true,
    stderr: true,
  });
  return new Promise<RaceAnswer>((resolve) => {
    const timer = setTimeout(() => resolve({ problem: `the search took more than ${longestMs / 1000} s` }), longestMs);
    const settle = (answer: RaceAnswer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    worker.on("message", settle);
    worker.on("error", (error) => settle({ problem: error.message }));
  }).finally(() => worker.terminate());
}

/** The same text on the same lines, without variables that `wgsl_reflect` takes for keywords. */
function withoutTakenNames(wgsl: string): string {
  return wgsl.replace(/\b(workgroup|private|function|storage|uniform)\b(?!\s*[>,])/g, "$1_");
}

/** Each pair of lines once, with the uses in the order of the text. */
function distinct(races: readonly Race[]): Race[] {
  const found = new Map<string, Race>();
  for (const {
    variable,
    uses: [a, b],
  } of races) {
    const uses: readonly [Use, Use] = a.line < b.line || (a.line === b.line && a.kind === "read") ? [a, b] : [b, a];
    found.set(JSON.stringify([variable, uses]), { variable, uses });
  }
  return [...found.values()];
}

function fill({ layout }: BindingInfo): Uint8Array {
  const strideAtEnd = endStride(layout);
  const byteLength = Math.max(minByteLengthOf(layout), layout.byteLength) + strideAtEnd * runtimeElements;
  const bytes = new Uint8Array(Math.ceil(byteLength / 16) * 16);
  write(new DataView(bytes.buffer), 0, layout);
  return bytes;
}

/** The stride of the runtime-sized array at the end; 0 if there is none. */
function endStride(layout: TypeLayout): number {
  if (layout.kind === "array") return layout.count === 0 ? layout.stride : 0;
  const last = layout.kind === "struct" ? layout.members.at(-1) : undefined;
  return last ? endStride(last.layout) : 0;
}

function write(view: DataView, at: number, layout: TypeLayout): void {
  switch (layout.kind) {
    case "scalar":
      return writeScalar(view, at, layout.scalar);
    case "vector":
      for (let i = 0; i < layout.components; i++)
        writeScalar(view, at + (i * layout.byteLength) / layout.components, layout.scalar);
      return;
    case "matrix":
      for (let column = 0; column < layout.columns; column++) {
        for (let row = 0; row < layout.rows; row++)
          writeScalar(view, at + column * layout.columnStride + 4 * row, layout.scalar);
      }
      return;
    case "array":
      for (let i = 0; i < (layout.count || runtimeElements); i++) write(view, at + i * layout.stride, layout.element);
      return;
    case "struct":
      for (const member of layout.members) write(view, at + member.offset, member.layout);
  }
}

function writeScalar(view: DataView, at: number, scalar: string): void {
  if (scalar === "f32") view.setFloat32(at, 1, true);
  else if (scalar === "f16") view.setUint16(at, 0x3c00, true);
  else view.setUint32(at, scalar === "bool" ? 1 : wholeNumber, true);
}
