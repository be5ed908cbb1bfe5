/** Numbers of the SPIR-V specification, under its names. */

export const Op = {
  Nop: 0,
  Undef: 1,
  SourceContinued: 2,
  Source: 3,
  SourceExtension: 4,
  Name: 5,
  MemberName: 6,
  String: 7,
  Line: 8,
  Extension: 10,
  ExtInstImport: 11,
  ExtInst: 12,
  MemoryModel: 14,
  EntryPoint: 15,
  ExecutionMode: 16,
  Capability: 17,
  TypeVoid: 19,
  TypeBool: 20,
  TypeInt: 21,
  TypeFloat: 22,
  TypeVector: 23,
  TypeMatrix: 24,
  TypeImage: 25,
  TypeSampler: 26,
  TypeSampledImage: 27,
  TypeArray: 28,
  TypeRuntimeArray: 29,
  TypeStruct: 30,
  TypePointer: 32,
  TypeFunction: 33,
  ConstantTrue: 41,
  ConstantFalse: 42,
  Constant: 43,
  ConstantComposite: 44,
  ConstantNull: 46,
  SpecConstantTrue: 48,
  SpecConstantFalse: 49,
  SpecConstant: 50,
  SpecConstantComposite: 51,
  SpecConstantOp: 52,
  Function: 54,
  FunctionParameter: 55,
  FunctionEnd: 56,
  FunctionCall: 57,
  Variable: 59,
  Load: 61,
  Store: 62,
  CopyMemory: 63,
  Decorate: 71,
  MemberDecorate: 72,
  DecorationGroup: 73,
  VectorShuffle: 79,
  CompositeConstruct: 80,
  CompositeExtract: 81,
  CompositeInsert: 82,
  Bitcast: 124,
  IAdd: 128,
  ISub: 130,
  IMul: 132,
  VectorTimesScalar: 142,
  OuterProduct: 147,
  LogicalOr: 166,
  LogicalAnd: 167,
  Select: 169,
  IEqual: 170,
  INotEqual: 171,
  ShiftRightLogical: 194,
  ShiftLeftLogical: 196,
  BitwiseOr: 197,
  BitwiseXor: 198,
  BitwiseAnd: 199,
  AtomicLoad: 227,
  AtomicStore: 228,
  AtomicCompareExchange: 230,
  AtomicXor: 242,
  Phi: 245,
  LoopMerge: 246,
  SelectionMerge: 247,
  Label: 248,
  Branch: 249,
  BranchConditional: 250,
  Switch: 251,
  Return: 253,
  ReturnValue: 254,
  Unreachable: 255,
  NoLine: 317,
  ModuleProcessed: 330,
  ExecutionModeId: 331,
  DecorateId: 332,
  CopyLogical: 400,
  DecorateString: 5632,
  MemberDecorateString: 5633,
} as const;

export const ExecutionModel = { GLCompute: 5 } as const;

export const ExecutionMode = { LocalSize: 17, LocalSizeId: 38 } as const;

export const MemoryModel = { GLSL450: 1, Vulkan: 3 } as const;

export const MemoryAccess = {
  Volatile: 0x1,
  Aligned: 0x2,
  MakePointerAvailable: 0x8,
  MakePointerVisible: 0x10,
} as const;

export const StorageClass = { Uniform: 2, Workgroup: 4, PushConstant: 9, StorageBuffer: 12 } as const;

export const Decoration = {
  SpecId: 1,
  BufferBlock: 3,
  RowMajor: 4,
  ArrayStride: 6,
  MatrixStride: 7,
  BuiltIn: 11,
  Volatile: 21,
  Coherent: 23,
  NonWritable: 24,
  NonReadable: 25,
  Binding: 33,
  DescriptorSet: 34,
  Offset: 35,
} as const;

export const BuiltIn = { WorkgroupSize: 25 } as const;

/** The instruction set for debuggers, as far as it is read. */
export const DebugInfo = {
  set: "NonSemantic.Shader.DebugInfo.100",
  Source: 35,
  SourceContinued: 102,
  Line: 103,
  NoLine: 104,
} as const;

/** Capabilities whose WGSL no device accepts, or that belong to another model of computing. */
export const unsupportedCapabilities: { readonly [capability: number]: string } = {
  4: "Addresses",
  6: "Kernel (OpenCL)",
  10: "Float64",
  11: "Int64",
  12: "Int64Atomics",
  22: "Int16",
  39: "Int8",
  4448: "StorageBuffer8BitAccess",
  4449: "UniformAndStorageBuffer8BitAccess",
  5347: "PhysicalStorageBufferAddresses",
  6033: "AtomicFloat32AddEXT",
  6034: "AtomicFloat64AddEXT",
};

/** Capabilities of the Vulkan memory model; its accesses are checked one by one. */
export const memoryModelCapabilities: readonly number[] = [5345, 5346];
