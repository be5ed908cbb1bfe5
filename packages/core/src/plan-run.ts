/**
 * The check of a run: bindings against what the shaders declare, sizes against what the device can hold. It happens once, here;
 * backends execute the plan that comes out and check nothing again.
 */
import type { DeviceLimits } from "./backend.js";
import type {
  Bindings,
  BindingValue,
  Inout,
  LeasedOutput,
  Output,
  Staged,
  Temporary,
  TypedArray,
  TypedArrayConstructor,
  UniformValue,
} from "./bindings.js";
import { arrayTypeOf, checkArray, checkEmptiness, checkInto, checkIntos, checkLength } from "./check-binding.js";
import { checkedGrid, countWorkgroups, type Grid, gridOf, splitGrid } from "./dispatch.js";
import { ComputeError } from "./errors.js";
import type { Kernel, Pass, Workgroups } from "./kernel.js";
import { packUniform } from "./pack-uniform.js";
import {
  type BindingInfo,
  runtimeArrayOf,
  type ShaderInterface,
  type TypeLayout,
  typeName,
} from "./shader-interface.js";

/** A piece of GPU memory that a run needs. */
export interface PlannedResource {
  readonly name: string;
  /** Bytes bound, a multiple of 4. */
  readonly byteLength: number;
  /** What the passes do with it; WebGPU forbids `read` and `read-write` ranges of one buffer in the same dispatch. */
  readonly access: "read" | "read-write" | "mixed";
  /** What stands in it at the start; absent where it starts as zeros. */
  readonly data?: ArrayBufferView;
  /** Mapped memory that stands in it at the start, in place of `data`. */
  readonly staged?: Staged;
  /** The type that `data` was packed as, where the caller gave a value and not an array. */
  readonly packedAs?: TypeLayout;
  /** What is read back from it. */
  readonly result?: PlannedResult;
}

export interface PlannedResult {
  readonly type: TypedArrayConstructor;
  readonly length: number;
  /** The caller's own array for it. */
  readonly into?: TypedArray | undefined;
  /** Whether it is read in place. */
  readonly isLeased?: boolean;
}

export interface PlannedDispatch {
  readonly program: string;
  /** Whether this is a part of a larger grid, run by the program's split variant. */
  readonly split: boolean;
  /** In order of group and binding; `resource` is an index into the plan's resources. */
  readonly entries: readonly { readonly group: number; readonly binding: number; readonly resource: number }[];
  readonly workgroups: Grid;
}

export interface RunPlan {
  readonly label: string;
  readonly resources: readonly PlannedResource[];
  /** In order; each sees what the ones before it wrote. */
  readonly dispatches: readonly PlannedDispatch[];
  /** Whether no result has an element: then there is nothing to run, and no memory to bind. */
  readonly isEmpty: boolean;
  /** The resource of each of the caller's bindings, by its name. */
  readonly bound: ReadonlyMap<string, number>;
  /** One object for all plans that differ in nothing but the resources' data; what is derived from a plan may be kept by it. */
  readonly shape: object;
}

export interface PlanRequest<B extends Bindings> {
  readonly kernel: Kernel<B>;
  /** The interface of each of the kernel's programs, by the program's name. */
  readonly interfaces: { readonly [program: string]: ShaderInterface };
  readonly bindings: B;
  readonly workgroups?: Workgroups | undefined;
  readonly limits: DeviceLimits;
}

/**
 * Plans one run.
 * @throws {ComputeError} `invalid-binding`, `invalid-kernel` or `limit-exceeded`, naming what was given and what is expected.
 */
export function planRun<B extends Bindings>({
  kernel,
  interfaces,
  bindings,
  workgroups,
  limits,
}: PlanRequest<B>): RunPlan {
  const subject = `Kernel "${kernel.label}"`;
  const resources = new Resources(subject, bindings, limits);
  if (checkEmptiness(subject, bindings) === "all-empty") return emptyPlan(kernel.label, bindings);

  resources.addTemporaries(kernel.temporaries(bindings));
  const passes = kernel.passes(bindings);
  if (passes.length === 0) {
    throw new ComputeError("invalid-kernel", `${subject} has no pass for these bindings; it needs at least one.`);
  }
  if (workgroups !== undefined) checkedGrid(subject, "workgroups", workgroups, "invalid-option");
  if (workgroups !== undefined && passes.length > 1) {
    throw new ComputeError(
      "invalid-option",
      `${subject} has ${passes.length} passes, each with its own size; \`workgroups\` is for kernels of one pass.`,
    );
  }
  const dispatches: PlannedDispatch[] = [];
  for (const pass of passes) {
    const shader = ownValue(interfaces, pass.program);
    if (!shader) {
      const known = Object.keys(interfaces).map((name) => `"${name}"`);
      throw new ComputeError(
        "invalid-kernel",
        `${subject} has no program "${pass.program}"; it has ${known.join(", ")}.`,
      );
    }
    checkNames(subject, shader, pass);
    const entries = shader.bindings.map((info) => resources.bind(info, pass));
    checkAliases(subject, shader, entries, resources);
    const groups = countWorkgroups(subject, shader, workgroups !== undefined ? { workgroups } : pass, () =>
      resources.firstOutputLength(shader, entries),
    );
    if (groups.includes(0)) continue;
    const grid = gridOf(subject, shader, groups, limits);
    if (grid === "whole") {
      dispatches.push({ program: pass.program, split: false, entries, workgroups: groups });
      continue;
    }
    for (const part of splitGrid(groups, limits.maxComputeWorkgroupsPerDimension)) {
      const resource = resources.addUniform("grid", new Uint32Array([...part.base, 0, ...groups, 0]));
      dispatches.push({
        program: pass.program,
        split: true,
        entries: [...entries, { ...grid, resource }],
        workgroups: part.workgroups,
      });
    }
  }
  resources.checkAllBound(interfaces, passes);
  const { label } = kernel;
  checkIntos(subject, bindings);
  return { label, resources: resources.planned(), dispatches, isEmpty: false, bound: resources.bound, shape: {} };
}

interface Draft {
  readonly name: string;
  readonly byteLength: number;
  readonly data?: ArrayBufferView;
  readonly staged?: Staged;
  readonly packedAs?: TypeLayout;
  readonly result?: PlannedResult;
  access?: PlannedResource["access"];
}

/** The run's memory while it is being planned: each binding and temporary once, however many passes use it. */
class Resources {
  readonly #drafts: Draft[] = [];
  readonly #indexByName = new Map<string, number>();
  readonly #subject: string;
  readonly #bindings: Bindings;
  readonly #limits: DeviceLimits;

  constructor(subject: string, bindings: Bindings, limits: DeviceLimits) {
    this.#subject = subject;
    this.#bindings = bindings;
    this.#limits = limits;
  }

  addTemporaries(temporaries: { readonly [name: string]: Temporary }): void {
    for (const name in temporaries) {
      if (Object.hasOwn(this.#bindings, name)) {
        throw new ComputeError(
          "invalid-kernel",
          `${this.#subject} has both a binding and a temporary named "${name}".`,
        );
      }
      this.#addNamed(name, { name, byteLength: roundUpTo4(temporaries[name]!.byteLength) });
    }
  }

  get bound(): ReadonlyMap<string, number> {
    return this.#indexByName;
  }

  addUniform(name: string, data: ArrayBufferView, packedAs?: TypeLayout): number {
    const draft: Draft = { name, byteLength: roundUpTo4(data.byteLength), data, access: "read" };
    return this.#drafts.push(packedAs ? { ...draft, packedAs } : draft) - 1;
  }

  /** Finds what `info` stands for in `pass`, checks it, and gives the dispatch's entry for it. */
  bind(info: BindingInfo, pass: Pass): PlannedDispatch["entries"][number] {
    const { group, binding } = info;
    const reference = ownValue(pass.bindings, info.name) ?? info.name;
    const resource =
      typeof reference === "string" ? this.#named(reference, info) : this.#addValue(info.name, reference, info);
    const draft = this.#drafts[resource]!;
    checkLength(this.#subject, draft.name, draft.byteLength, info, this.#limits);
    draft.access = draft.access === undefined || draft.access === info.access ? info.access : "mixed";
    return { group, binding, resource };
  }

  isTemporaryOrResult(index: number): boolean {
    const draft = this.#drafts[index]!;
    return draft.result !== undefined || (draft.data === undefined && draft.staged === undefined);
  }

  nameOf(index: number): string {
    return this.#drafts[index]!.name;
  }

  /** Elements of the first binding that the pass writes, in order of group and binding. */
  firstOutputLength(shader: ShaderInterface, entries: PlannedDispatch["entries"]): number | undefined {
    const at = shader.bindings.findIndex(
      (info, i) => info.access === "read-write" && this.isTemporaryOrResult(entries[i]!.resource),
    );
    if (at < 0) return undefined;
    const { layout } = shader.bindings[at]!;
    const runtime = runtimeArrayOf(layout);
    if (runtime) {
      return Math.floor((this.#drafts[entries[at]!.resource]!.byteLength - runtime.offset) / runtime.array.stride);
    }
    return layout.kind === "array" ? layout.count : undefined;
  }

  /** A name that is given but that no pass binds is a mistake, most often a misspelt one. */
  checkAllBound(interfaces: PlanRequest<Bindings>["interfaces"], passes: readonly Pass[]): void {
    for (const name in this.#bindings) {
      const index = this.#indexByName.get(name);
      if (index !== undefined && this.#drafts[index]!.access !== undefined) continue;
      const isNamed = passes.some((pass) => Object.values(pass.bindings ?? {}).includes(name));
      // What no shader uses may be given all the same, if a pass names it; but there is no result of it to return.
      if (isNamed && !isResult(this.#bindings[name]!)) continue;
      const known = new Set(
        passes.flatMap((pass) => interfaces[pass.program]!.bindings.map((info) => `"${info.name}"`)),
      );
      throw new ComputeError(
        "invalid-binding",
        `${this.#subject} has no binding "${name}"; it binds ${[...known].join(", ")}.`,
      );
    }
  }

  planned(): PlannedResource[] {
    return this.#drafts.map((draft) => {
      // What no pass binds, a temporary of a shorter plan, keeps its index and needs no memory.
      if (draft.access === undefined) return { name: draft.name, byteLength: 0, access: "read" };
      // Read but never written, and nothing uploaded: zeros, which must not lie among what is uploaded.
      const access = draft.access === "read" && !draft.data && !draft.staged ? "mixed" : draft.access;
      return { ...draft, access };
    });
  }

  #named(name: string, info: BindingInfo): number {
    const existing = this.#indexByName.get(name);
    if (existing !== undefined) return this.#checkRole(existing, info);
    const value = ownValue(this.#bindings, name);
    if (value === undefined) throw this.#missing(name);
    if (isRole(value, "output")) {
      const { type, length, into } = value;
      checkInto(this.#subject, name, type, length, into);
      checkArray(this.#subject, name, type.name, length * type.BYTES_PER_ELEMENT, info);
      const byteLength = roundUpTo4(length * type.BYTES_PER_ELEMENT);
      return this.#checkRole(this.#addNamed(name, { name, byteLength, result: { type, length, into } }), info);
    }
    if (isRole(value, "lease")) {
      const { type, length } = value;
      checkArray(this.#subject, name, type.name, length * type.BYTES_PER_ELEMENT, info);
      const byteLength = roundUpTo4(length * type.BYTES_PER_ELEMENT);
      const result = { type, length, isLeased: true };
      return this.#checkRole(this.#addNamed(name, { name, byteLength, result }), info);
    }
    if (isRole(value, "inout")) {
      const { data, into } = value;
      checkArray(this.#subject, name, arrayNameOf(data), data.byteLength, info);
      const type = arrayTypeOf(data);
      checkInto(this.#subject, name, type, data.length, into);
      const result = { type, length: data.length, into };
      return this.#checkRole(
        this.#addNamed(name, { name, byteLength: roundUpTo4(data.byteLength), data, result }),
        info,
      );
    }
    if (isRole(value, "staged")) {
      const byteLength = value.length * value.type.BYTES_PER_ELEMENT;
      checkArray(this.#subject, name, value.type.name, byteLength, info);
      return this.#addNamed(name, { name, byteLength: roundUpTo4(byteLength), staged: value });
    }
    if (ArrayBuffer.isView(value)) {
      const data = value as TypedArray;
      checkArray(this.#subject, name, arrayNameOf(data), data.byteLength, info);
      return this.#addNamed(name, { name, byteLength: roundUpTo4(data.byteLength), data });
    }
    const index = this.#addValue(name, value as UniformValue, info);
    this.#indexByName.set(name, index);
    return index;
  }

  #addValue(name: string, value: UniformValue, info: BindingInfo): number {
    if (runtimeArrayOf(info.layout)) {
      throw new ComputeError(
        "invalid-binding",
        `${this.#subject} declares "${name}" as ${typeName(info.layout)}, which takes a typed array; ${describe(value)} is given.`,
      );
    }
    return this.addUniform(name, packUniform(value, info.layout, name), info.layout);
  }

  #addNamed(name: string, draft: Draft): number {
    const index = this.#drafts.push(draft) - 1;
    this.#indexByName.set(name, index);
    return index;
  }

  #checkRole(index: number, info: BindingInfo): number {
    const draft = this.#drafts[index]!;
    const value = this.#bindings[draft.name];
    if (info.kind === "uniform" && this.isTemporaryOrResult(index)) {
      throw new ComputeError(
        "invalid-binding",
        `${this.#subject} declares "${info.name}" as a uniform, which it only reads; bind a value, not ${describe(value)}.`,
      );
    }
    if (draft.packedAs && !isSameLayout(draft.packedAs, info.layout)) {
      throw new ComputeError(
        "invalid-kernel",
        `${this.#subject} declares "${info.name}" as ${typeName(info.layout)} in one program and as ` +
          `${typeName(draft.packedAs)} in another; a value is packed for one type, so give it a name in each.`,
      );
    }
    return index;
  }

  #missing(name: string): ComputeError {
    const given = Object.keys(this.#bindings)
      .filter((key) => this.#bindings[key] !== undefined)
      .map((key) => `"${key}"`);
    const list = given.length === 0 ? "nothing is" : `${given.join(", ")} ${given.length === 1 ? "is" : "are"}`;
    return new ComputeError("invalid-binding", `${this.#subject} binds "${name}", which is missing; ${list} given.`);
  }
}

/** A name that a pass gives a meaning and its shader does not have is a mistake, most often a misspelt one. */
function checkNames(subject: string, shader: ShaderInterface, { program, bindings }: Pass): void {
  for (const name in bindings) {
    if (shader.bindings.some((info) => info.name === name)) continue;
    const known = shader.bindings.map((info) => `"${info.name}"`).join(", ");
    throw new ComputeError(
      "invalid-kernel",
      `${subject} has a pass that binds "${name}", which program "${program}" does not; it binds ${known}.`,
    );
  }
}

/** WebGPU refuses a dispatch that writes a buffer and also binds it a second time; this says so by name. */
function checkAliases(
  subject: string,
  shader: ShaderInterface,
  entries: PlannedDispatch["entries"],
  resources: Resources,
): void {
  const bound = new Map<number, BindingInfo>();
  for (const [i, { resource }] of entries.entries()) {
    const info = shader.bindings[i]!;
    const other = bound.get(resource);
    if (other && (other.access === "read-write" || info.access === "read-write")) {
      throw new ComputeError(
        "invalid-kernel",
        `${subject} binds "${resources.nameOf(resource)}" as "${other.name}" and as "${info.name}" in one pass and writes it; ` +
          "what a pass writes can be bound there only once.",
      );
    }
    bound.set(resource, info);
  }
}

function emptyPlan(label: string, bindings: Bindings): RunPlan {
  const resources: PlannedResource[] = [];
  for (const name in bindings) {
    const value = bindings[name]!;
    const result = emptyResultOf(value);
    if (result) resources.push({ name, byteLength: 0, access: "read-write", result });
  }
  return { label, resources, dispatches: [], isEmpty: true, bound: new Map(), shape: {} };
}

function emptyResultOf(value: BindingValue): PlannedResult | undefined {
  if (isRole(value, "output")) return { type: value.type, length: 0, into: value.into };
  if (isRole(value, "lease")) return { type: value.type, length: 0, isLeased: true };
  if (isRole(value, "inout")) return { type: arrayTypeOf(value.data), length: 0, into: value.into };
  return undefined;
}

function isRole(value: BindingValue, role: "output"): value is Output;
function isRole(value: BindingValue, role: "inout"): value is Inout;
function isRole(value: BindingValue, role: "staged"): value is Staged;
function isRole(value: BindingValue, role: "lease"): value is LeasedOutput;
function isRole(value: BindingValue, role: string): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return (value as { role?: unknown }).role === role;
}

function isResult(value: BindingValue): boolean {
  return isRole(value, "output") || isRole(value, "lease") || isRole(value, "inout");
}

/** `Uint8Array` for a class that extends it too, as Node's `Buffer` does. */
function arrayNameOf(data: TypedArray): string {
  return (data as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? data.constructor.name;
}

function describe(value: BindingValue | undefined): string {
  if (value === undefined) return "a temporary";
  if (value === null) return "null";
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (Array.isArray(value)) return "an array of numbers";
  if (typeof value !== "object") return `the ${typeof value} ${value}`;
  const role = (value as { role?: unknown }).role;
  if (role === "staged") return "staged memory";
  if (role === "lease") return "a lease";
  return role === "output" || role === "inout" ? `an ${role}` : "an object";
}

/** A binding may be named as what every object inherits: `constructor` is a good name in WGSL. */
function ownValue<T>(values: { readonly [name: string]: T } | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

function isSameLayout(a: TypeLayout, b: TypeLayout): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function roundUpTo4(byteLength: number): number {
  return Math.ceil(byteLength / 4) * 4;
}
