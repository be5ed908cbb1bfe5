import type { ComputeError, Program } from "@kiln-gpu/core";
import { Refusal } from "../refusal.js";
import { decorationOf, type Instruction, type SpirvModule } from "./module.js";
import { Decoration, Op } from "./words.js";

/** The words of the constants that a program sets, by the constants' ids in the module. */
export type GivenConstants = ReadonlyMap<number, number>;

export interface SpecializationConstant {
  readonly id: number;
  /** Its number in the API. */
  readonly specId: number | undefined;
  readonly name: string | undefined;
  readonly type: "bool" | "i32" | "u32" | "f32" | undefined;
}

/**
 * Finds a module's specialization constants that a program sets, by number or by name.
 * @throws {ComputeError} `invalid-kernel` for a constant that the module lacks, that is given twice, or that has
 *   another type.
 */
export function matchConstants(module: SpirvModule, given: Program["constants"]): GivenConstants {
  const words = new Map<number, number>();
  const entries = Object.entries(given ?? {});
  if (entries.length === 0) return words;
  const constants = specializationConstants(module);
  for (const [nameOrId, value] of entries) {
    const found = constants.filter(({ specId, name }) => name === nameOrId || `${specId}` === nameOrId);
    if (found.length === 0) throw unknownConstant(nameOrId, constants);
    for (const constant of found) {
      const called = constant.name ?? `${constant.specId}`;
      if (words.has(constant.id)) {
        throw new Refusal(
          "invalid-kernel",
          `sets its constant "${called}" twice, by name and as ${constant.specId}; give one.`,
        );
      }
      const word = wordOf(constant.type, value);
      if (word === undefined) {
        throw new Refusal(
          "invalid-kernel",
          `declares its constant "${called}" as ${constant.type ?? "a type that cannot be set"}; ` +
            `${typeof value === "string" ? JSON.stringify(value) : value} is given.`,
        );
      }
      words.set(constant.id, word);
    }
  }
  return words;
}

export function specializationConstants(module: SpirvModule): SpecializationConstant[] {
  const found: SpecializationConstant[] = [];
  for (const { opcode, operands } of module.instructions) {
    if (opcode < Op.SpecConstantTrue || opcode > Op.SpecConstant) continue;
    const id = operands[1]!;
    const specId = decorationOf(module, Decoration.SpecId, id);
    const name = module.names.get(`${id}`) || undefined;
    if (specId === undefined && name === undefined) continue;
    found.push({ id, specId, name, type: scalarOf(module.definitions.get(operands[0]!)) });
  }
  return found;
}

function scalarOf(type: Instruction | undefined): SpecializationConstant["type"] {
  if (type?.opcode === Op.TypeBool) return "bool";
  if (type?.opcode === Op.TypeInt && type.operands[1] === 32) return type.operands[2] === 1 ? "i32" : "u32";
  return type?.opcode === Op.TypeFloat && type.operands[1] === 32 ? "f32" : undefined;
}

function wordOf(type: SpecializationConstant["type"], value: unknown): number | undefined {
  if (type === "bool") return typeof value === "boolean" ? Number(value) : undefined;
  if (typeof value !== "number" || type === undefined) return undefined;
  if (type === "f32") {
    const word = new Uint32Array(Float32Array.of(value).buffer)[0]!;
    return Number.isFinite(Math.fround(value)) ? word : undefined;
  }
  const [least, most] = type === "i32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return Number.isInteger(value) && value >= least && value <= most ? value >>> 0 : undefined;
}

/** `"size" (3)`, as errors name it. */
export function nameConstant({ name, specId }: SpecializationConstant): string {
  if (name === undefined) return `${specId}`;
  return specId === undefined ? `"${name}"` : `"${name}" (${specId})`;
}

function unknownConstant(given: string, constants: readonly SpecializationConstant[]): ComputeError {
  const known = constants.map(nameConstant);
  const list = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  return new Refusal("invalid-kernel", `has no constant "${given}"; ${list}.`);
}
