/** What a shader says of itself, as reflection reads it; everything that is checked about a run is checked against this. */

export type ScalarType = "f32" | "f16" | "i32" | "u32" | "bool";

/** A host-shareable type with its place in memory; all lengths, offsets and strides in bytes. */
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
  /** With trailing padding; where the last member is sized by the binding, the bytes before it. */
  readonly byteLength: number;
  /** Where the last member is sized by the binding: with one element and trailing padding, where there is some. */
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
   * Whether it is `var<immediate>`: set while a dispatch is recorded, where its bytes are the host's and the device has room for them; else bound
   * at its place, as a buffer of its kind.
   */
  readonly isImmediate?: boolean;
}

/** The interface of one entry point with its constants applied. */
export interface ShaderInterface {
  readonly entryPoint: string;
  readonly workgroupSize: readonly [x: number, y: number, z: number];
  /** Those that the entry point uses, in order of group and binding. */
  readonly bindings: readonly BindingInfo[];
  /**
   * What the source declares and the entry point does not use: a run may be given them, and binds none. Their names are no others'; their places may
   * be.
   */
  readonly unused: readonly BindingInfo[];
  /**
   * Where the split variant reads its place in the whole grid; or, where a split would show, the reason, as the end of a sentence
   * that begins "it cannot be split because".
   */
  readonly splittable: { readonly group: number; readonly binding: number } | string;
}

/** Where the binding's length decides how many elements there are: the array at the end of `layout`, and its offset. */
export function runtimeArrayOf(
  layout: TypeLayout,
): { readonly offset: number; readonly array: ArrayLayout } | undefined {
  if (layout.kind === "array") return layout.count === 0 ? { offset: 0, array: layout } : undefined;
  if (layout.kind !== "struct") return undefined;
  const last = layout.members.at(-1);
  if (last?.layout.kind !== "array" || last.layout.count !== 0) return undefined;
  return { offset: last.offset, array: last.layout };
}

/** The least a binding of this type may hold: WebGPU's minimum binding size. */
export function minByteLengthOf(layout: TypeLayout): number {
  const runtime = runtimeArrayOf(layout);
  if (!runtime) return layout.byteLength;
  const withOne = runtime.offset + runtime.array.stride;
  return layout.kind === "struct" ? (layout.leastByteLength ?? withOne) : withOne;
}

/** Whether `limits` leave room to set `info` while a dispatch is recorded. */
export function fitsImmediates({ layout }: BindingInfo, limits: { readonly maxImmediateSize: number }): boolean {
  return layout.byteLength <= limits.maxImmediateSize;
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
