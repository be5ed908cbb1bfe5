import type { Program } from "@kiln-gpu/core";
import { nameConstant, type SpecializationConstant, specializationConstants } from "./given-constants.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import type { SpirvModule } from "./module.js";
import { Op } from "./words.js";

const divisions: ReadonlySet<number> = new Set([Op.UDiv, Op.SDiv, Op.UMod, Op.SRem, Op.SMod]);

/**
 * Checks that no integer is divided by a constant 0, which WGSL refuses. Often it is a specialization constant left at
 * its default.
 * @param module The specialized module, made from `original`.
 * @throws {ComputeError} `invalid-kernel`, and which constants to set.
 */
export function checkDivisors(module: SpirvModule, original: SpirvModule, given: Program["constants"]): void {
  for (const instruction of module.instructions) {
    const divisor = instruction.operands[3];
    if (!divisions.has(instruction.opcode) || divisor === undefined || !isZero(module, divisor)) continue;
    const constants = specializing(original, divisor).map((constant) => {
      const isSet = [constant.name, `${constant.specId}`].some((key) => key !== undefined && key in (given ?? {}));
      return `${nameConstant(constant)}${isSet ? "" : ", which is not set"}`;
    });
    const advice =
      constants.length === 0
        ? "the result is not defined"
        : `the divisor comes from the specialization constant ${constants.join(" and ")}; give it a value in \`constants\``;
    throw new InstructionRefusal(
      "invalid-kernel",
      instruction,
      `divides by the constant 0 (${nameInstruction(instruction)}); ${advice}.`,
    );
  }
}

function isZero(module: SpirvModule, id: number): boolean {
  const { opcode, operands } = module.definitions.get(id) ?? {};
  if (opcode === Op.ConstantNull) return true;
  if (opcode === Op.ConstantComposite) return [...operands!.subarray(2)].some((part) => isZero(module, part));
  return opcode === Op.Constant && operands!.subarray(2).every((word) => word === 0);
}

/** The specialization constants that a constant is made of. */
function specializing(module: SpirvModule, id: number): SpecializationConstant[] {
  const all = new Map(specializationConstants(module).map((constant) => [constant.id, constant]));
  const ids = new Set([id]);
  for (const each of ids) {
    const { opcode = 0, operands } = module.definitions.get(each) ?? {};
    // Some operands of OpSpecConstantOp are numbers; in arithmetic none are.
    if (opcode === Op.SpecConstantOp) for (const part of operands!.subarray(3)) ids.add(part);
    else if (opcode === Op.SpecConstantComposite) for (const part of operands!.subarray(2)) ids.add(part);
  }
  return [...ids].flatMap((each) => all.get(each) ?? []);
}
