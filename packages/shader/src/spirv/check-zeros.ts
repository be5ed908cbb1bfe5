import type { Program } from "@kiln-gpu/core";
import { nameConstant, type SpecializationConstant, specializationConstants } from "./given-constants.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import { decorates, type Instruction, type SpirvModule } from "./module.js";
import { BuiltIn, Decoration, ExecutionMode, Op } from "./words.js";

const divisions: ReadonlySet<number> = new Set([Op.UDiv, Op.SDiv, Op.UMod, Op.SRem, Op.SMod]);

/**
 * Checks that no constant is 0 where WGSL refuses it: as a divisor of integers, as the number of an array's elements,
 * as a workgroup's size. Often it is a specialization constant left at its default.
 * @param module The specialized module, made from `original`.
 * @throws {ComputeError} `invalid-kernel`, and which constants to set.
 */
export function checkZeros(module: SpirvModule, original: SpirvModule, given: Program["constants"]): void {
  const origin = (ids: readonly number[]) => originOf(original, ids, given);
  for (const instruction of module.instructions) {
    const { opcode, operands } = instruction;
    const place = nameInstruction(instruction);
    if (divisions.has(opcode) && isZero(module, operands[3]!)) {
      const from = origin([operands[3]!]);
      const advice = from ? `the divisor ${from}` : "the result is not defined";
      throw refusal(instruction, `divides by the constant 0 (${place}); ${advice}.`);
    }
    if (opcode === Op.TypeArray && isZero(module, operands[2]!)) {
      const from = origin([operands[2]!]);
      const advice = from ? `their number ${from}` : `an array has 1 to ${2 ** 30 - 1}`;
      throw refusal(instruction, `has an array of 0 elements (${place}); ${advice}.`);
    }
    const isSize = opcode === Op.ExecutionMode && operands[1] === ExecutionMode.LocalSize;
    if (isSize && operands.subarray(2).includes(0)) {
      const from = origin(workgroupSizeIds(original));
      const advice = from ? `its size ${from}` : "each number must be 1 or more";
      throw refusal(
        instruction,
        `has a workgroup of ${operands.subarray(2).join(" x ")} threads (${place}); ${advice}.`,
      );
    }
  }
}

function refusal(instruction: Instruction, message: string): InstructionRefusal {
  return new InstructionRefusal("invalid-kernel", instruction, message);
}

function isZero(module: SpirvModule, id: number): boolean {
  const { opcode, operands } = module.definitions.get(id) ?? {};
  if (opcode === Op.ConstantNull) return true;
  if (opcode === Op.ConstantComposite) return [...operands!.subarray(2)].some((part) => isZero(module, part));
  return opcode === Op.Constant && operands!.subarray(2).every((word) => word === 0);
}

/** The constants that decide the size of the workgroup, in a module that is not specialized. */
function workgroupSizeIds({ instructions }: SpirvModule): readonly number[] {
  const builtIn = instructions.find(
    (instruction) =>
      decorates(instruction, Decoration.BuiltIn) && instruction.operands.at(-1) === BuiltIn.WorkgroupSize,
  );
  if (builtIn) return [builtIn.operands[0]!];
  return instructions.flatMap(({ opcode, operands }) =>
    opcode === Op.ExecutionModeId && operands[1] === ExecutionMode.LocalSizeId ? [...operands.subarray(2)] : [],
  );
}

/** The specialization constants that decide `ids`, and what to do, as the end of a sentence; `undefined` for none. */
function originOf(module: SpirvModule, ids: readonly number[], given: Program["constants"]): string | undefined {
  const constants = specializing(module, ids).map((constant) => {
    const isSet = [constant.name, `${constant.specId}`].some((key) => key !== undefined && key in (given ?? {}));
    return `${nameConstant(constant)}${isSet ? "" : ", which is not set"}`;
  });
  if (constants.length === 0) return undefined;
  return `comes from the specialization constant ${constants.join(" and ")}; give it a value in \`constants\``;
}

/** The specialization constants that constants are made of. */
function specializing(module: SpirvModule, from: readonly number[]): SpecializationConstant[] {
  const all = new Map(specializationConstants(module).map((constant) => [constant.id, constant]));
  const ids = new Set(from);
  for (const each of ids) {
    const { opcode = 0, operands } = module.definitions.get(each) ?? {};
    // Some operands of OpSpecConstantOp are numbers; in arithmetic none are.
    if (opcode === Op.SpecConstantOp) for (const part of operands!.subarray(3)) ids.add(part);
    else if (opcode === Op.SpecConstantComposite) for (const part of operands!.subarray(2)) ids.add(part);
  }
  return [...ids].flatMap((each) => all.get(each) ?? []);
}
