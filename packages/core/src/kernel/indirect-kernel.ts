/**
 * Kernels whose size is read on the GPU, out of a resident array, when their turn has come. A small program before the
 * kernel's own makes the arguments of an indirect dispatch. So the array may be bound by the kernel too: WebGPU refuses
 * a dispatch that writes the buffer with its arguments. It also divides threads into workgroups, and reports a size
 * that the device does not run: WebGPU would then run nothing and say nothing.
 */
import { roleOf } from "../bindings/binding-role.js";
import { type Bindings, type Output, output, type ResidentArray, temporary } from "../bindings/bindings.js";
import { checkOptionNames, optionNames } from "../bindings/check-options.js";
import { describeValue } from "../bindings/describe-value.js";
import { Refusal } from "../errors/refusal.js";
import type { IndirectRange } from "./dispatch-size.js";
import type { Kernel, Pass, Program } from "./kernel.js";

/** What the elements of the array count. */
export type IndirectWord = "threads" | "workgroups";

/** The names of what such a run binds besides its own bindings; no shader has names with spaces. */
const names = {
  program: "indirect size",
  source: { threads: "option threads", workgroups: "option workgroups" },
  range: "range of the size",
  workgroups: "indirect workgroups",
  report: "report of the size",
} as const;

/** The name of the temporary that has the arguments of the dispatch. */
export const indirectArguments: string = names.workgroups;

/** Stands among the bindings of such a run for what its first program reports. It is read back, and is no result. */
export const indirectReport: Output<Uint32Array> = /* @__PURE__ */ output(Uint32Array, 4);

const sizeProgram: Program = /* @__PURE__ */ Object.freeze({
  wgsl: `
struct Limits { workgroup_size: vec3u, most: u32 }
@group(0) @binding(0) var<uniform> limits: Limits;
@group(0) @binding(1) var<uniform> range: vec2u;
@group(0) @binding(2) var<storage, read> source: array<u32>;
@group(0) @binding(3) var<storage, read_write> workgroups: array<u32, 4>;
@group(0) @binding(4) var<storage, read_write> report: array<u32, 4>;
@compute @workgroup_size(1) fn main() {
  var groups = vec3u(1);
  for (var i = 0u; i < range.y; i++) {
    let size = limits.workgroup_size[i];
    let count = source[range.x + i];
    groups[i] = count / size + select(0u, 1u, count % size != 0);
  }
  if (any(groups > vec3u(limits.most))) {
    report[0] = limits.most;
    for (var i = 0u; i < 3; i++) { report[i + 1] = groups[i]; }
    groups = vec3u(0);
  }
  for (var i = 0u; i < 3; i++) { workgroups[i] = groups[i]; }
}`,
});

const rangeNames = /* @__PURE__ */ optionNames<IndirectRange>({ indirect: true, offset: true, dimensions: true });

/** A size out of an array: its first element, and how many elements are read. */
interface Source {
  readonly array: ResidentArray<Uint32Array>;
  readonly offset: number;
  readonly dimensions: number;
}

/**
 * The array that `given` takes a size from; `undefined` if it is another size.
 * @throws {ComputeError} `invalid-option` if it does not say which one to three elements.
 */
export function indirectSource(word: IndirectWord, given: unknown): Source | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  if (roleOf(given) === "resident") {
    const array = given as ResidentArray<Uint32Array>;
    if (array.length <= 3) return { array, offset: 0, dimensions: array.length };
    throw new Refusal(
      "invalid-option",
      `: "${word}" must be a resident array of 1 to 3 elements; got one of ${array.length}. Say which elements: ` +
        `{ ${word}: { indirect: array, offset } }.`,
    );
  }
  if (!("indirect" in given)) return undefined;
  checkOptionNames(`"${word}"`, given, rangeNames);
  const { indirect: array, offset = 0, dimensions = 1 } = given as IndirectRange;
  if (roleOf(array) !== "resident") {
    throw new Refusal("invalid-option", `: "${word}.indirect" must be a resident array; got ${describeValue(array)}.`);
  }
  const isRange = Number.isSafeInteger(offset) && offset >= 0 && [1, 2, 3].includes(dimensions);
  if (isRange && offset + dimensions <= array.length) return { array, offset, dimensions };
  throw new Refusal(
    "invalid-option",
    `: "${word}" must be 1 to 3 elements within the ${array.length} of its array; got ${describeValue(dimensions)} ` +
      `from [${describeValue(offset)}].`,
  );
}

/** What a run with a size from `source` binds besides its own bindings. */
export function indirectBindings(word: IndirectWord, { array, offset, dimensions }: Source): Bindings {
  return { [names.source[word]]: array, [names.range]: [offset, dimensions], [names.report]: indirectReport };
}

/** The kernels made so far; one object for each, so that it is planned and compiled once. */
const made: Readonly<Record<IndirectWord, WeakMap<Kernel, Kernel>>> = {
  threads: /* @__PURE__ */ new WeakMap(),
  workgroups: /* @__PURE__ */ new WeakMap(),
};

/**
 * `kernel`, with a size that it reads out of an array.
 * @throws {ComputeError} `invalid-option` if it has several passes.
 */
export function indirectKernel(kernel: Kernel, word: IndirectWord): Kernel {
  if (!kernel.isSinglePass) {
    throw new Refusal(
      "invalid-option",
      `may have several passes, each with its own size; \`${word}\` is for kernels of one pass.`,
    );
  }
  const known = made[word].get(kernel);
  if (known) return known;
  const temporaries = { [names.workgroups]: temporary(Uint32Array, 4) };
  const indirect: Kernel = Object.freeze({
    ...kernel,
    indirect: word,
    programs: Object.freeze({ ...kernel.programs, [names.program]: sizeProgram }),
    temporaries: () => temporaries,
    passes: () => indirectPasses,
    specialize: (constants) => indirectKernel(kernel.specialize(constants), word),
  } satisfies Kernel);
  made[word].set(kernel, indirect);
  return indirect;
}

const indirectPasses: readonly Pass[] = Object.freeze([Object.freeze({ program: "main" })]);

/** The pass that makes the arguments for a pass with workgroups of `size`. */
export function sizePass(word: IndirectWord, size: readonly number[], most: number): Pass {
  const workgroupSize = word === "threads" ? [...size] : [1, 1, 1];
  const { program, source, range, workgroups, report } = names;
  const limits = { workgroup_size: workgroupSize, most };
  return { program, workgroups: 1, bindings: { limits, range, source: source[word], workgroups, report } };
}
