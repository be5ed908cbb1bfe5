import type {
  Bindings,
  ResidentArray,
  Staged,
  Temporary,
  TypedArray,
  TypedArrayConstructor,
  UniformValue,
} from "../bindings/bindings.js";
import { roundUpTo4 } from "../bindings/bytes-of.js";
import { adviseArray, describeValue } from "../bindings/describe-value.js";
import { isResult, isRole, ownValue } from "../bindings/is-role.js";
import { arrayTypeOf } from "../bindings/typed-arrays.js";
import type { DeviceLimits } from "../contract/compute-backend.js";
import { Refusal } from "../errors/refusal.js";
import { indirectReport } from "../kernel/indirect-kernel.js";
import type { Pass } from "../kernel/kernel.js";
import {
  type BindingInfo,
  fitsImmediates,
  runtimeArrayOf,
  type ShaderInterface,
  type TypeLayout,
  typeName,
} from "../shader/shader-interface.js";
import { checkArray, checkInto, checkLength, expectedArrays } from "./check-binding.js";
import type { OutputCount } from "./dispatch.js";
import { ownBytes } from "./fill-resource.js";
import { packUniform } from "./pack-uniform.js";
import type { PlannedResource, PlannedResult } from "./run-plan.js";

interface Draft {
  readonly name: string;
  readonly byteLength: number;
  readonly data?: ArrayBufferView;
  readonly staged?: Staged;
  readonly resident?: ResidentArray;
  readonly packedAs?: TypeLayout;
  /** The type of a temporary. */
  readonly ofTemporary?: TypedArrayConstructor;
  readonly result?: PlannedResult;
  access?: PlannedResource["access"];
  isImmediate?: boolean;
}

/** What a pass's binding stands for. */
interface Bound {
  readonly group: number;
  readonly binding: number;
  readonly resource: number;
  /** Whether it is set while the dispatch is recorded, and not bound. */
  readonly isSet: boolean;
}

/** The run's memory while it is being planned: each binding and temporary once, however many passes use it. */
export class RunResources {
  readonly #drafts: Draft[] = [];
  readonly #indexByName = new Map<string, number>();
  /** The names that the passes' programs declare and do not use. */
  readonly #unused = new Set<string>();
  readonly #bindings: Bindings;
  readonly #limits: DeviceLimits;

  constructor(bindings: Bindings, limits: DeviceLimits) {
    this.#bindings = bindings;
    this.#limits = limits;
  }

  addTemporaries(temporaries: { readonly [name: string]: Temporary }): void {
    for (const name in temporaries) {
      if (Object.hasOwn(this.#bindings, name)) {
        throw new Refusal("invalid-kernel", `has both a binding and a temporary named "${name}".`);
      }
      const { type, length } = temporaries[name] ?? {};
      if (typeof type !== "function" || !(type.BYTES_PER_ELEMENT > 0) || !Number.isSafeInteger(length) || length! < 1) {
        throw new Refusal(
          "invalid-kernel",
          `: temporary "${name}" must be \`temporary(Type, length)\`, with a typed array's constructor and a whole ` +
            `number, 1 or more; got type ${describeValue(type)} and length ${describeValue(length)}.`,
        );
      }
      this.#addNamed(name, { name, byteLength: roundUpTo4(length! * type.BYTES_PER_ELEMENT), ofTemporary: type });
    }
  }

  get bound(): ReadonlyMap<string, number> {
    return this.#indexByName;
  }

  /** Adds the place of a part of a grid in the whole. */
  addGrid(data: Uint32Array, isImmediate: boolean): number {
    const { byteLength } = data;
    return (
      this.#drafts.push({ name: "grid", byteLength, data, ...(isImmediate ? { isImmediate } : { access: "read" }) }) - 1
    );
  }

  /** Finds what `info` stands for in `pass`, checks it, and gives the dispatch's entry for it. */
  bind(info: BindingInfo, pass: Pass): Bound {
    const { group, binding } = info;
    const resource = this.#resourceOf(info, pass);
    const draft = this.#drafts[resource]!;
    const isOfHost = draft.data !== undefined && draft.result === undefined;
    const isSet = info.isImmediate === true && isOfHost && fitsImmediates(info, this.#limits);
    if (isSet) draft.isImmediate = true;
    else draft.access = draft.access === undefined || draft.access === info.access ? info.access : "mixed";
    return { group, binding, resource, isSet };
  }

  /**
   * Checks what is given for a binding that `pass` declares and does not use, as if it did. Call it once everything
   * that is used is bound.
   */
  checkUnused(info: BindingInfo, pass: Pass): void {
    const reference = ownValue(pass.bindings, info.name) ?? info.name;
    if (typeof reference === "string") {
      this.#unused.add(reference);
      const value = ownValue(this.#bindings, reference);
      if (this.#indexByName.has(reference) || value === undefined) return;
      if (isResult(value)) {
        throw new Refusal(
          "invalid-binding",
          `declares "${info.name}" and does not use it, so nothing would be written to ` +
            `${describeValue(value)}; use it in the shader, or remove it from both.`,
        );
      }
    }
    this.#resourceOf(info, pass);
  }

  #resourceOf(info: BindingInfo, pass: Pass): number {
    const reference = ownValue(pass.bindings, info.name) ?? info.name;
    const resource =
      typeof reference === "string" ? this.#named(reference, info) : this.#addValue(info.name, reference, info);
    const { name, byteLength } = this.#drafts[resource]!;
    checkLength(name, byteLength, info, this.#limits);
    return resource;
  }

  /** Makes a temporary the arguments of an indirect dispatch: WebGPU lets that dispatch write no part of its buffer. */
  bindIndirect(name: string): number {
    const index = this.#indexByName.get(name)!;
    this.#drafts[index]!.access = "mixed";
    return index;
  }

  isTemporaryOrResult(index: number): boolean {
    const draft = this.#drafts[index]!;
    return draft.result !== undefined || (draft.data === undefined && draft.staged === undefined);
  }

  /** The resource at `index`, in words for an error. */
  describe(index: number): string {
    const { name, resident } = this.#drafts[index]!;
    if (resident) return describeValue(resident);
    const value = ownValue(this.#bindings, name);
    return `"${name}", ${value === undefined ? "a temporary" : describeValue(value)},`;
  }

  /**
   * The arrays that the pass writes, in order of group and binding. A single value or a struct of fixed size has no
   * elements to count.
   */
  outputCounts(shader: ShaderInterface, entries: readonly Bound[]): OutputCount[] {
    const counts: OutputCount[] = [];
    for (const [i, { access, layout }] of shader.bindings.entries()) {
      if (access !== "read-write" || !this.isTemporaryOrResult(entries[i]!.resource)) continue;
      const { name, byteLength, result, resident, ofTemporary } = this.#drafts[entries[i]!.resource]!;
      const type = result?.type ?? resident?.type ?? ofTemporary;
      const runtime = runtimeArrayOf(layout);
      const array = runtime?.array ?? (layout.kind === "array" ? layout : undefined);
      if (!array) continue;
      const elements = runtime ? Math.floor((byteLength - runtime.offset) / array.stride) : array.count;
      counts.push({ name, elements, width: type ? array.stride / type.BYTES_PER_ELEMENT : 1 });
    }
    return counts;
  }

  /**
   * Every name that the shader of a one-pass kernel binds must be given. This comes before the kernel's functions see
   * the bindings.
   */
  checkGiven(shader: ShaderInterface): void {
    for (const info of shader.bindings) {
      const { name, layout } = info;
      const value: unknown = ownValue(this.#bindings, name);
      if (value === undefined) throw this.#missing(name);
      if (value !== null) continue;
      throw new Refusal("invalid-binding", `declares "${name}" as ${typeName(layout)}; got null.`);
    }
  }

  /** A given name that no pass binds is a mistake, most often a misspelling. */
  checkAllBound(interfaces: { readonly [program: string]: ShaderInterface }, passes: readonly Pass[]): void {
    for (const name in this.#bindings) {
      if (this.#indexByName.has(name) || this.#unused.has(name)) continue;
      const known = new Set(
        passes.flatMap((pass) => interfaces[pass.program]!.bindings.map((info) => `"${info.name}"`)),
      );
      throw new Refusal("invalid-binding", `has no binding "${name}"; it binds ${[...known].join(", ")}.`);
    }
  }

  /** An immediate is set while dispatches are recorded, so it cannot see what a pass writes. */
  checkImmediates(): void {
    const written = this.#drafts.find(
      ({ isImmediate, access }) => isImmediate && access !== undefined && access !== "read",
    );
    if (!written) return;
    throw new Refusal(
      "invalid-kernel",
      `binds "${written.name}" as an immediate in one pass and writes it in another, which the first would not ` +
        "see; give each its own name.",
    );
  }

  planned(): PlannedResource[] {
    return this.#drafts.map((drafted) => {
      // The caller may change or transfer the array before the dispatch is recorded.
      const { ofTemporary: _, ...kept } = drafted;
      const draft = kept.isImmediate ? { ...kept, data: ownBytes(kept.data!) } : kept;
      // A resource that no pass binds, such as a temporary that fewer passes need, keeps its index and needs no memory.
      if (draft.access === undefined) {
        const { data, result: __, ...resource } = draft;
        return { ...resource, ...(draft.isImmediate && data && { data }), byteLength: 0, access: "read" };
      }
      // Only read, and nothing is uploaded: it is zeros, which must not lie among uploaded data.
      const isZero = !draft.data && !draft.staged && !draft.resident;
      const access = draft.access === "read" && isZero ? "mixed" : draft.access;
      return { ...draft, access };
    });
  }

  #named(name: string, info: BindingInfo): number {
    const existing = this.#indexByName.get(name);
    if (existing !== undefined) return this.#checkRole(existing, info);
    const value = ownValue(this.#bindings, name);
    if (value === undefined) throw this.#missing(name);
    if (isRole(value, "output")) {
      const { type, length, into, countedBy } = value;
      checkInto(name, type, length, into);
      checkArray(name, type.name, length * type.BYTES_PER_ELEMENT, info, true);
      const byteLength = roundUpTo4(length * type.BYTES_PER_ELEMENT);
      const isReport = value === indirectReport;
      const result = { type, length, into, countedBy, ...(isReport && { isReport }) };
      return this.#checkRole(this.#addNamed(name, { name, byteLength, result }), info);
    }
    if (isRole(value, "lease")) {
      const { type, length } = value;
      checkArray(name, type.name, length * type.BYTES_PER_ELEMENT, info, true);
      const byteLength = roundUpTo4(length * type.BYTES_PER_ELEMENT);
      const result = { type, length, isLeased: true };
      return this.#checkRole(this.#addNamed(name, { name, byteLength, result }), info);
    }
    if (isRole(value, "inout")) {
      const { data, isBytes, into } = value;
      checkArray(name, arrayTypeOf(data).name, data.byteLength, info, isBytes);
      const type = arrayTypeOf(data);
      checkInto(name, type, data.length, into);
      const result = { type, length: data.length, into };
      return this.#checkRole(
        this.#addNamed(name, { name, byteLength: roundUpTo4(data.byteLength), data, result }),
        info,
      );
    }
    if (isRole(value, "staged")) {
      const byteLength = value.length * value.type.BYTES_PER_ELEMENT;
      checkArray(name, value.type.name, byteLength, info, true);
      return this.#addNamed(name, { name, byteLength: roundUpTo4(byteLength), staged: value });
    }
    if (isRole(value, "resident")) {
      const byteLength = value.length * value.type.BYTES_PER_ELEMENT;
      checkArray(name, value.type.name, byteLength, info, true);
      // One array under two names is one resource; otherwise a write under one name would be missed under the other.
      const same = this.#drafts.findIndex(({ resident }) => resident === value);
      if (same >= 0) this.#indexByName.set(name, same);
      return same >= 0 ? same : this.#addNamed(name, { name, byteLength: roundUpTo4(byteLength), resident: value });
    }
    const isBytes = isRole(value, "bytes");
    if (isBytes || ArrayBuffer.isView(value)) {
      const data = isBytes ? value.data : (value as TypedArray);
      checkArray(name, arrayTypeOf(data).name, data.byteLength, info, isBytes);
      return this.#addNamed(name, { name, byteLength: roundUpTo4(data.byteLength), data });
    }
    const index = this.#addValue(name, value as UniformValue, info);
    this.#indexByName.set(name, index);
    return index;
  }

  #addValue(name: string, value: UniformValue, info: BindingInfo): number {
    if (runtimeArrayOf(info.layout)) {
      const [type] = expectedArrays(info.layout);
      throw new Refusal(
        "invalid-binding",
        `declares "${name}" as ${typeName(info.layout)}, which takes a typed array; got ${describeValue(value)}.` +
          adviseArray(value, type),
      );
    }
    const data = packUniform(value, info.layout, name);
    return this.#drafts.push({ name, byteLength: data.byteLength, data, packedAs: info.layout }) - 1;
  }

  #addNamed(name: string, draft: Draft): number {
    const index = this.#drafts.push(draft) - 1;
    this.#indexByName.set(name, index);
    return index;
  }

  #checkRole(index: number, info: BindingInfo): number {
    const draft = this.#drafts[index]!;
    const value = this.#bindings[draft.name];
    if (info.kind === "uniform" && this.isTemporaryOrResult(index) && !draft.resident) {
      throw new Refusal(
        "invalid-binding",
        `declares "${info.name}" as a uniform, which it only reads; bind a value, not ` +
          `${value === undefined ? "a temporary" : describeValue(value)}.`,
      );
    }
    if (draft.packedAs && !isSameLayout(draft.packedAs, info.layout)) {
      throw new Refusal(
        "invalid-kernel",
        `declares "${info.name}" as ${typeName(info.layout)} in one program and as ` +
          `${typeName(draft.packedAs)} in another; a value is packed for one type, so give each its own name.`,
      );
    }
    return index;
  }

  #missing(name: string): Refusal {
    const given = Object.keys(this.#bindings)
      .filter((key) => this.#bindings[key] !== undefined)
      .map((key) => `"${key}"`);
    const list = given.length === 0 ? "nothing is" : `${given.join(", ")} ${given.length === 1 ? "is" : "are"}`;
    const temporaries = this.#drafts.filter(({ ofTemporary }) => ofTemporary).map((draft) => `"${draft.name}"`);
    const others = temporaries.length === 0 ? "" : `, and its temporaries are ${temporaries.join(", ")}`;
    return new Refusal("invalid-binding", `binds "${name}", which is missing; ${list} given${others}.`);
  }
}

function isSameLayout(a: TypeLayout, b: TypeLayout): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
