/** What a shader declares, as reflection reads it. Every check of a run is made against this. */

export type ScalarType = "f32" | "f16" | "i32" | "u32" | "bool";

/** A host-shareable type with its layout in memory; all lengths, offsets and strides in bytes. */
export type TypeLayout = ScalarLayout | VectorLayout | MatrixLayout | ArrayLayout | StructLayout;

export interface ScalarLayout {
  readonly kind: "scalar";
  readonly scalar: ScalarType;
  readonly byteLength: number;
}

export interface VectorLayout {
  readonly kind: "vector";
  readonly scalar: ScalarType;
  readonly components: number;
  readonly byteLength: number;
}

export interface MatrixLayout {
  readonly kind: "matrix";
  readonly scalar: ScalarType;
  readonly columns: number;
  readonly rows: number;
  readonly columnStride: number;
  readonly byteLength: number;
}

export interface ArrayLayout {
  readonly kind: "array";
  readonly element: TypeLayout;
  readonly stride: number;
  /** Elements; 0 where the binding's length decides (`array<f32>`). */
  readonly count: number;
  readonly byteLength: number;
}

export interface StructLayout {
  readonly kind: "struct";
  readonly name: string;
  readonly members: readonly { readonly name: string; readonly offset: number; readonly layout: TypeLayout }[];
  /** With trailing padding. If the binding's length sizes the last member: the bytes before that member. */
  readonly byteLength: number;
  /**
   * If the binding's length sizes the last member and padding follows: the length with one element and that padding.
   */
  readonly leastByteLength?: number;
}

export interface BindingInfo {
  readonly name: string;
  readonly group: number;
  readonly binding: number;
  readonly kind: "storage" | "uniform";
  readonly access: "read" | "read-write";
  readonly layout: TypeLayout;
  /**
   * Whether it is `var<immediate>`. It is set while a dispatch is recorded, if its bytes come from the host and the
   * device has room for them; otherwise a buffer of its kind is bound at its group and binding.
   */
  readonly isImmediate?: boolean;
}

/** The interface of one entry point with its constants applied. */
export interface ShaderInterface {
  readonly entryPoint: string;
  readonly workgroupSize: readonly [x: number, y: number, z: number];
  /** The bytes of its `var<workgroup>` variables as WebGPU counts them: each is a multiple of 16. */
  readonly workgroupByteLength: number;
  /** What the entry point uses, in order of group and binding. */
  readonly bindings: readonly BindingInfo[];
  /**
   * What the source declares and the entry point does not use. A run may be given these, and binds none of them. Their
   * names are unique; their group and binding may be used by another.
   */
  readonly unused: readonly BindingInfo[];
  /**
   * The group and binding at which the split variant reads its place in the whole grid; or, if a split would change
   * results, the reason, as the end of a sentence that begins "it cannot be split because".
   */
  readonly splittable: { readonly group: number; readonly binding: number } | string;
}

/** The array at the end of `layout` whose number of elements the binding's length decides, and its offset. */
export function runtimeArrayOf(
  layout: TypeLayout,
): { readonly offset: number; readonly array: ArrayLayout } | undefined {
  if (layout.kind === "array") return layout.count === 0 ? { offset: 0, array: layout } : undefined;
  if (layout.kind !== "struct") return undefined;
  const last = layout.members.at(-1);
  if (last?.layout.kind !== "array" || last.layout.count !== 0) return undefined;
  return { offset: last.offset, array: last.layout };
}

/** WebGPU's minimum binding size for this type. */
export function minByteLengthOf(layout: TypeLayout): number {
  const runtime = runtimeArrayOf(layout);
  if (!runtime) return layout.byteLength;
  const withOne = runtime.offset + runtime.array.stride;
  return layout.kind === "struct" ? (layout.leastByteLength ?? withOne) : withOne;
}

/**
 * Whether `info` can be set while a dispatch is recorded. WGSL's immediates hold no arrays, and WebGPU sets multiples of
 * 4 bytes.
 */
export function fitsImmediates({ layout }: BindingInfo, limits: { readonly maxImmediateSize: number }): boolean {
  const { byteLength } = layout;
  return byteLength <= limits.maxImmediateSize && byteLength % 4 === 0 && !hasArray(layout);
}

function hasArray(layout: TypeLayout): boolean {
  if (layout.kind === "struct") return layout.members.some((member) => hasArray(member.layout));
  return layout.kind === "array";
}

/** The scalar type that all of `layout` is made of, if there is one. */
export function uniformScalarOf(layout: TypeLayout): ScalarType | undefined {
  if (layout.kind === "array") return uniformScalarOf(layout.element);
  if (layout.kind !== "struct") return layout.scalar;
  const scalars = new Set(layout.members.map((member) => uniformScalarOf(member.layout)));
  return scalars.size === 1 ? [...scalars][0] : undefined;
}

/** `layout` as WGSL writes it: `array<vec3<f32>>`. */
export function typeName(layout: TypeLayout): string {
  switch (layout.kind) {
    case "scalar":
      return layout.scalar;
    case "vector":
      return `vec${layout.components}<${layout.scalar}>`;
    case "matrix":
      return `mat${layout.columns}x${layout.rows}<${layout.scalar}>`;
    case "array":
      return `array<${typeName(layout.element)}${layout.count === 0 ? "" : `, ${layout.count}`}>`;
    case "struct":
      return layout.name;
  }
}
