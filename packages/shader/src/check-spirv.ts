/**
 * What is refused by name before translation: what the translator would silently get wrong, cannot parse, or would turn into WGSL
 * that no device takes.
 */
import { ComputeError } from "@kiln-gpu/core";
import { type ComputeEntryPoint, type SpirvModule, workgroupSizeConstant } from "./spirv-module.js";
import { ExecutionMode, Op, unsupportedCapabilities } from "./spirv-words.js";

/** @throws {ComputeError} `unsupported-shader`, with the SPIR-V name of what is not supported. */
export function checkSupported(module: SpirvModule, subject: string): void {
  const refuse = (what: string) => new ComputeError("unsupported-shader", `${subject} ${what}.`);
  for (const { opcode, operands } of module.instructions) {
    switch (opcode) {
      case Op.Capability: {
        const name = unsupportedCapabilities[operands[0]!];
        if (name !== undefined) throw refuse(`needs the SPIR-V capability ${name}, which WebGPU does not have`);
        break;
      }
      case Op.ExecutionModeId:
        if (operands[1] === ExecutionMode.LocalSizeId) {
          throw refuse(
            "takes its workgroup size from specialization constants (LocalSizeId); give it as literal numbers",
          );
        }
        break;
      case Op.SpecConstantOp:
        throw refuse(
          "computes a constant from specialization constants (OpSpecConstantOp); apply the specialization and fold it first, as " +
            "`spirv-opt --freeze-spec-const --fold-spec-const-op-composite` does",
        );
      case Op.DecorationGroup:
        throw refuse(
          "uses decoration groups (OpDecorationGroup), which are deprecated; `spirv-opt --flatten-decorations` removes them",
        );
      case Op.TypeArray: {
        const length = module.definitions.get(operands[2]!);
        if (length && length.opcode >= Op.SpecConstantTrue && length.opcode <= Op.SpecConstantOp) {
          throw refuse(
            "has an array sized by a specialization constant (OpSpecConstant); give its length as a literal number",
          );
        }
        break;
      }
    }
  }
}

/**
 * The workgroup size of an entry point: what the module's WorkgroupSize constant says, else its LocalSize.
 * @throws {ComputeError} `unsupported-shader` where that is a specialization constant; `invalid-kernel` where there is neither.
 */
export function spirvWorkgroupSize(
  module: SpirvModule,
  { name, localSize }: ComputeEntryPoint,
  subject: string,
): readonly [number, number, number] {
  const frozen = workgroupSizeConstant(module);
  if (!frozen) {
    if (localSize) return localSize;
    throw new ComputeError(
      "invalid-kernel",
      `${subject} gives its entry point "${name}" no workgroup size; expected is LocalSize.`,
    );
  }
  const parts = [...frozen.operands.subarray(2)].map((id) => module.definitions.get(id));
  const isPlain = frozen.opcode === Op.ConstantComposite && parts.length === 3;
  if (!isPlain || parts.some((part) => part?.opcode !== Op.Constant)) {
    throw new ComputeError(
      "unsupported-shader",
      `${subject} takes its workgroup size from specialization constants (the built-in WorkgroupSize); give it as literal numbers.`,
    );
  }
  const [x, y, z] = parts.map((part) => part!.operands[2]!);
  return [x!, y!, z!];
}
