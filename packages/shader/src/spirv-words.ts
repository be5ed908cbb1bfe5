/** The numbers of the SPIR-V specification that are read here, under its names. */

export const Op = {
  Name: 5,
  MemberName: 6,
  EntryPoint: 15,
  ExecutionMode: 16,
  Capability: 17,
  TypeVoid: 19,
  TypeMatrix: 24,
  TypeArray: 28,
  TypeRuntimeArray: 29,
  TypeStruct: 30,
  TypePointer: 32,
  TypeFunction: 33,
  ConstantTrue: 41,
  Constant: 43,
  ConstantComposite: 44,
  SpecConstantTrue: 48,
  SpecConstantOp: 52,
  Function: 54,
  FunctionEnd: 56,
  Variable: 59,
  Decorate: 71,
  MemberDecorate: 72,
  DecorationGroup: 73,
  ExecutionModeId: 331,
} as const;

export const ExecutionModel = { GLCompute: 5 } as const;

export const ExecutionMode = { LocalSize: 17, LocalSizeId: 38 } as const;

export const StorageClass = { Uniform: 2, PushConstant: 9, StorageBuffer: 12 } as const;

export const Decoration = {
  RowMajor: 4,
  ArrayStride: 6,
  MatrixStride: 7,
  BuiltIn: 11,
  NonWritable: 24,
  NonReadable: 25,
  Binding: 33,
  DescriptorSet: 34,
  Offset: 35,
} as const;

export const BuiltIn = { WorkgroupSize: 25 } as const;

/** Capabilities that translate into WGSL that no device takes, or that belong to another model of computing. */
export const unsupportedCapabilities: { readonly [capability: number]: string } = {
  4: "Addresses",
  6: "Kernel (OpenCL)",
  10: "Float64",
  11: "Int64",
  12: "Int64Atomics",
  22: "Int16",
  39: "Int8",
  5347: "PhysicalStorageBufferAddresses",
  6033: "AtomicFloat32AddEXT",
  6034: "AtomicFloat64AddEXT",
};
