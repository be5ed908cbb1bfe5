/**
 * What a pipeline binds on a device: the program's own buffers, and those that Kiln adds. The limits of the device
 * decide how Kiln adds them, so that a program that is itself within the limits runs if there is any way.
 */
import { roundUpTo4 } from "../bindings/bytes-of.js";
import type { DeviceLimits } from "../contract/compute-backend.js";
import { named, Refusal } from "../errors/refusal.js";
import { type BindingInfo, fitsImmediates, minByteLengthOf, type ShaderInterface } from "../shader/shader-interface.js";
import { checkLimits } from "./check-limits.js";
import type { ProgramVariant } from "./run-plan.js";

/** A buffer in a pipeline's layout, with its type as WebGPU names it. */
export interface BufferPlace {
  readonly group: number;
  readonly binding: number;
  readonly type: "uniform" | "storage" | "read-only-storage";
}

/** Where a split variant reads its place in the whole grid. */
export type GridPlace = (BufferPlace & { readonly type: AddedType }) | { readonly type: "immediate" };

export interface PipelineLayout {
  /** All buffers that are bound; the bytes are the fewest that may be bound. */
  readonly buffers: readonly (BufferPlace & { readonly minByteLength: number })[];
  /** Bytes that are set while a dispatch is recorded. */
  readonly immediateByteLength: number;
  /** The buffer in place of the program's `var<immediate>`, if it is not set. */
  readonly immediates?: BufferPlace & { readonly name: string };
  /** Absent unless the variant is split. */
  readonly grid?: GridPlace;
}

/** What Kiln adds is read only. A uniform comes first: most programs bind fewer of them. */
const addedTypes = ["uniform", "read-only-storage"] as const;
type AddedType = (typeof addedTypes)[number];

/** The bytes of a grid's first workgroup and of its size: two vectors of four. */
const gridByteLength = 32;

/**
 * Lays out a variant of a program.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 * @throws {ComputeError} `limit-exceeded` if the program, or what the variant adds to it, is beyond a limit.
 */
export function layOutPipeline(
  subject: string,
  shader: ShaderInterface,
  variant: Omit<ProgramVariant, "program">,
  limits: DeviceLimits,
): PipelineLayout {
  return named(subject, () => {
    checkLimits(shader, limits);
    const { buffers, immediates } = buffersOf(shader, variant.immediate, limits);
    const set = variant.immediate ? shader.bindings.find(({ isImmediate }) => isImmediate) : undefined;
    const immediateByteLength = set ? roundUpTo4(set.layout.byteLength) : 0;
    const layout = { buffers, immediateByteLength, ...(immediates && { immediates }) };
    if (!variant.split) return layout;
    const grid = gridPlaceOf(shader, variant.immediate, limits);
    if (typeof grid === "string") throw new Refusal("limit-exceeded", `cannot be split because ${grid}.`);
    return grid.type === "immediate"
      ? { ...layout, grid, immediateByteLength: gridByteLength }
      : { ...layout, grid, buffers: [...buffers, { ...grid, minByteLength: gridByteLength }] };
  });
}

/**
 * Where a split variant reads its place in the grid; or, as the end of a sentence that begins "it cannot be split
 * because", why there is none.
 * @param immediate Whether the program's own `var<immediate>` is set, beside which there can be no other.
 */
export function gridPlaceOf(shader: ShaderInterface, immediate: boolean, limits: DeviceLimits): GridPlace | string {
  const { splittable } = shader;
  if (typeof splittable === "string") return splittable;
  const { buffers } = buffersOf(shader, immediate, limits);
  const type = freeType(buffers, addedTypes, limits);
  if (type) return { ...splittable, type };
  if (!immediate && limits.maxImmediateSize >= gridByteLength) return { type: "immediate" };
  return `a split needs one more buffer, and ${allInUse(addedTypes, limits)}`;
}

/** The buffers of a program whose grid is not split. */
function buffersOf(
  { bindings }: ShaderInterface,
  immediate: boolean,
  limits: DeviceLimits,
): Pick<PipelineLayout, "buffers" | "immediates"> {
  const buffers = bindings.filter(({ isImmediate }) => !isImmediate).map((info) => bufferOf(info, typeOf(info)));
  const replaced = immediate ? undefined : bindings.find(({ isImmediate }) => isImmediate);
  if (!replaced) return { buffers };
  const { name, kind } = replaced;
  const types = kind === "uniform" ? addedTypes : addedTypes.slice(1);
  const type = freeType(buffers, types, limits);
  if (!type) {
    const reason = fitsImmediates(replaced, limits)
      ? "which is on the device already and cannot be set as an immediate"
      : "which does not fit this device's immediates";
    throw new Refusal("limit-exceeded", `needs a buffer for "${name}", ${reason}, and ${allInUse(types, limits)}.`);
  }
  const added = bufferOf(replaced, type);
  return { buffers: [...buffers, added], immediates: { ...added, name } };
}

function bufferOf({ group, binding, layout }: BindingInfo, type: BufferPlace["type"]) {
  return { group, binding, type, minByteLength: roundUpTo4(minByteLengthOf(layout)) };
}

function typeOf({ kind, access }: BindingInfo): BufferPlace["type"] {
  if (kind === "uniform") return "uniform";
  return access === "read" ? "read-only-storage" : "storage";
}

/** The first of `types` of which the device can bind another buffer beside `buffers`. */
function freeType(
  buffers: readonly BufferPlace[],
  types: readonly AddedType[],
  limits: DeviceLimits,
): AddedType | undefined {
  const uniforms = buffers.filter(({ type }) => type === "uniform").length;
  return types.find((type) => {
    return (type === "uniform" ? uniforms : buffers.length - uniforms) < limits[limitOf[type]];
  });
}

const limitOf = {
  uniform: "maxUniformBuffersPerShaderStage",
  "read-only-storage": "maxStorageBuffersPerShaderStage",
} as const;

function allInUse(types: readonly AddedType[], limits: DeviceLimits): string {
  const each = types.map((type) => {
    return `all ${limits[limitOf[type]]} ${type === "uniform" ? type : "storage"} buffers (${limitOf[type]})`;
  });
  return `${each.join(" and ")} of this device are in use`;
}
