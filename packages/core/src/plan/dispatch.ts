import type { DeviceLimits } from "../contract/compute-backend.js";
import { Refusal } from "../errors/refusal.js";
import { checkedGrid, type DispatchSize, type Grid } from "../kernel/dispatch-size.js";
import { runtimeArrayOf, type ShaderInterface } from "../shader/shader-interface.js";
import { checkLimits } from "./check-limits.js";
import { type GridPlace, gridPlaceOf } from "./pipeline-layout.js";

/** The most parts a grid is split into; encoding more would cost more than a kernel that loops. */
const maxParts = 4096;

/** The most invocations of one pass: as many as a `u32` id can count in one dimension. More is most often a typo. */
const maxInvocations = 2 ** 32;

/** An array that a pass writes. */
export interface OutputCount {
  readonly name: string;
  /** Its elements, as the shader counts them. */
  readonly elements: number;
  /** How many elements of the caller's typed array make one of the shader's. */
  readonly width: number;
}

/**
 * Workgroups for a pass: as given, else its threads in whole workgroups, else one thread for each element of its
 * outputs.
 * @param outputsOf The arrays that the pass writes, in order of group and binding.
 * @throws {ComputeError} `invalid-kernel` if none of these gives a size, the outputs give different sizes, or a size is
 *   not valid.
 */
export function countWorkgroups(
  shader: ShaderInterface,
  size: DispatchSize,
  outputsOf: () => readonly OutputCount[],
): Grid {
  if (size.workgroups !== undefined) return checkedGrid("workgroups", size.workgroups);
  const [sizeX, sizeY, sizeZ] = shader.workgroupSize;
  if (size.threads !== undefined) {
    const [x, y, z] = checkedGrid("threads", size.threads);
    return [Math.ceil(x / sizeX), Math.ceil(y / sizeY), Math.ceil(z / sizeZ)];
  }
  const outputs = sizeY === 1 && sizeZ === 1 ? outputsOf() : [];
  const [first] = outputs;
  if (first === undefined) {
    throw new Refusal(
      "invalid-kernel",
      `does not say how many \`threads\` "${shader.entryPoint}" runs, and neither its workgroup size ` +
        `[${shader.workgroupSize.join(", ")}] nor its outputs tell. ${advice(shader)}`,
    );
  }
  const other = outputs.find(({ elements }) => elements !== first.elements);
  if (other) throw severalCounts(first, other);
  return [Math.ceil(first.elements / sizeX), 1, 1];
}

const isIdentifier = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;

/** The line to write; an example of one if the program has an array whose elements may be counted. */
function advice({ bindings }: ShaderInterface): string {
  const counted = bindings.find(({ name, layout }) => runtimeArrayOf(layout) && isIdentifier.test(name));
  const example = counted ? `({ ${counted.name} }) => ${counted.name}.length` : "1";
  return `Write, for example, \`threads: ${example}\` in its definition, or give \`{ threads: n }\` to this run.`;
}

function severalCounts(first: OutputCount, other: OutputCount): Refusal {
  const { name, elements, width } = other.elements > first.elements ? other : first;
  const length = `${name}.length${width === 1 ? "" : ` / ${width}`}`;
  return new Refusal(
    "invalid-kernel",
    `writes "${first.name}" of ${first.elements} elements and "${other.name}" of ${other.elements}, ` +
      `so it must say how many threads run: \`threads: ({ ${name} }) => ${length}\` in its definition, or ` +
      `\`{ threads: ${elements} }\` as an option of this run.`,
  );
}

/**
 * Decides how a grid runs: whole, or in parts. WebGPU cannot tell a dispatch its place in a larger grid, so a variant
 * of the shader reads it from the place returned here.
 * @param immediate Whether the program's own `var<immediate>` is set.
 * @throws {ComputeError} `limit-exceeded` if it is too large to run whole and cannot be split.
 */
export function gridOf(
  shader: ShaderInterface,
  groups: Grid,
  limits: DeviceLimits,
  immediate: boolean,
): "whole" | GridPlace {
  const invocations = [...groups, ...shader.workgroupSize].reduce((product, count) => product * count, 1);
  if (invocations > maxInvocations) {
    throw new Refusal(
      "limit-exceeded",
      `runs [${groups.join(", ")}] workgroups of [${shader.workgroupSize.join(", ")}] threads, ` +
        `${invocations} in all; one pass runs at most ${maxInvocations} (2^32). ` +
        "Check the numbers, or let each thread do more.",
    );
  }
  const limit = limits.maxComputeWorkgroupsPerDimension;
  if (groups.every((count) => count <= limit)) return "whole";
  const given = `runs [${groups.join(", ")}] workgroups; this device runs at most ${limit} in a dimension`;
  checkLimits(shader, limits);
  const grid = gridPlaceOf(shader, immediate, limits);
  if (typeof grid === "string") {
    throw new Refusal("limit-exceeded", `${given}, and it cannot be split because ${grid}.`);
  }
  const parts = groups.reduce((product, count) => product * Math.ceil(count / limit), 1);
  if (parts > maxParts) {
    throw new Refusal(
      "limit-exceeded",
      `${given}, and splitting it would take ${parts} parts; the most is ${maxParts}.`,
    );
  }
  return grid;
}

/** The parts of `groups`, each within `limit` in every dimension, with the workgroup it begins at. */
export function splitGrid(groups: Grid, limit: number): { readonly base: Grid; readonly workgroups: Grid }[] {
  const parts: { base: Grid; workgroups: Grid }[] = [];
  for (let z = 0; z < groups[2]; z += limit) {
    for (let y = 0; y < groups[1]; y += limit) {
      for (let x = 0; x < groups[0]; x += limit) {
        const rest = (i: 0 | 1 | 2, at: number) => Math.min(groups[i] - at, limit);
        parts.push({ base: [x, y, z], workgroups: [rest(0, x), rest(1, y), rest(2, z)] });
      }
    }
  }
  return parts;
}
