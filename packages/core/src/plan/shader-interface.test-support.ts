import type { DeviceLimits } from "../contract/compute-backend.js";
import type {
  ArrayLayout,
  BindingInfo,
  MatrixLayout,
  ScalarLayout,
  ScalarType,
  ShaderInterface,
  StructLayout,
  TypeLayout,
  VectorLayout,
} from "../shader/shader-interface.js";

/** What WebGPU guarantees on every device. */
export const defaultLimits: DeviceLimits = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxUniformBufferBindingSize: 64 * 2 ** 10,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxBindGroups: 4,
  maxBindingsPerBindGroup: 1000,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
  maxImmediateSize: 64,
};

const scalar = (type: ScalarType): ScalarLayout => ({
  kind: "scalar",
  scalar: type,
  byteLength: type === "f16" ? 2 : 4,
});

export const f32 = scalar("f32");
export const f16 = scalar("f16");
export const i32 = scalar("i32");
export const u32 = scalar("u32");
export const bool = scalar("bool");

export function vector(element: ScalarLayout, components: number): VectorLayout {
  return { kind: "vector", scalar: element.scalar, components, byteLength: components * element.byteLength };
}

export function matrix(element: ScalarLayout, columns: number, rows: number): MatrixLayout {
  const columnStride = (rows === 3 ? 4 : rows) * element.byteLength;
  const { scalar: type } = element;
  return { kind: "matrix", scalar: type, columns, rows, columnStride, byteLength: columns * columnStride };
}

/** Without `count` its length is the binding's. */
export function array(element: TypeLayout, stride: number, count = 0): ArrayLayout {
  return { kind: "array", element, stride, count, byteLength: stride * count };
}

export function struct(name: string, byteLength: number, members: StructLayout["members"]): StructLayout {
  return { kind: "struct", name, members, byteLength };
}

export const reads = (name: string, layout: TypeLayout = array(f32, 4)): Declared => declare(name, "read", layout);
export const writes = (name: string, layout: TypeLayout = array(f32, 4)): Declared =>
  declare(name, "read-write", layout);
export const uniform = (name: string, layout: TypeLayout): Declared => ({
  ...declare(name, "read", layout),
  kind: "uniform",
});

type Declared = Omit<BindingInfo, "group" | "binding">;

function declare(name: string, access: BindingInfo["access"], layout: TypeLayout): Declared {
  return { name, kind: "storage", access, layout };
}

/** An entry point "main" that binds `declared` one after another in group 0, in workgroups of 64. */
export function shaderOf(declared: readonly Declared[], other: Partial<ShaderInterface> = {}): ShaderInterface {
  return {
    entryPoint: "main",
    workgroupSize: [64, 1, 1],
    workgroupByteLength: 0,
    bindings: declared.map((info, binding) => ({ ...info, group: 0, binding })),
    unused: [],
    splittable: { group: 1, binding: 0 },
    ...other,
  };
}
