import { decorationOf, type Instruction, type SpirvModule } from "./module.js";
import { Decoration, Op, StorageClass } from "./words.js";

/** A buffer or the push constants, as a SPIR-V module declares them. */
export interface SpirvBinding {
  /** The name of the variable, else of its block's sole member, else of the block; `undefined` if all were stripped. */
  readonly name: string | undefined;
  readonly variableName: string | undefined;
  /** `undefined` for push constants. */
  readonly place: { readonly group: number; readonly binding: number } | undefined;
  /** The `OpVariable`. */
  readonly variable: Instruction;
  /** The id of the block's type. */
  readonly type: number;
  readonly isReadOnly: boolean;
  readonly isStorage: boolean;
}

export function spirvBindings(module: SpirvModule): SpirvBinding[] {
  const bindings: SpirvBinding[] = [];
  for (const variable of module.instructions) {
    const { opcode, operands } = variable;
    if (opcode !== Op.Variable) continue;
    const [pointer, id, storageClass] = [operands[0]!, operands[1]!, operands[2]!];
    const isPushConstant = storageClass === StorageClass.PushConstant;
    if (!isPushConstant && storageClass !== StorageClass.Uniform && storageClass !== StorageClass.StorageBuffer)
      continue;
    const type = module.definitions.get(pointer)?.operands[2];
    const group = decorationOf(module, Decoration.DescriptorSet, id);
    const binding = decorationOf(module, Decoration.Binding, id);
    if (type === undefined || (!isPushConstant && (group === undefined || binding === undefined))) continue;
    const block = module.definitions.get(type);
    const memberCount = block?.opcode === Op.TypeStruct ? block.operands.length - 1 : 0;
    const variableName = module.names.get(`${id}`) || undefined;
    const memberName = memberCount === 1 ? module.names.get(`${type}.0`) : undefined;
    const members = Array.from({ length: memberCount }, (_, member) => member);
    bindings.push({
      variable,
      variableName,
      name: variableName || memberName || module.names.get(`${type}`) || undefined,
      place: isPushConstant ? undefined : { group: group!, binding: binding! },
      type,
      // SPIR-V 1.0 declares a storage buffer as a uniform of a type with the decoration BufferBlock.
      isStorage:
        storageClass === StorageClass.StorageBuffer || decorationOf(module, Decoration.BufferBlock, type) !== undefined,
      isReadOnly:
        decorationOf(module, Decoration.NonWritable, id) !== undefined ||
        (memberCount > 0 &&
          members.every((member) => decorationOf(module, Decoration.NonWritable, type, member) !== undefined)),
    });
  }
  return bindings;
}
