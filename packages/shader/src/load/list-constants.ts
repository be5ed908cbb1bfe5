import type { ShaderSource } from "@kiln-gpu/core";
import type { ScalarType } from "@kiln-gpu/core/backend";
import { specializationConstants } from "../spirv/given-constants.js";
import { readSpirv } from "../spirv/module.js";
import { Op } from "../spirv/words.js";
import { idOf, ModuleConstants } from "../wgsl/program-constants.js";
import { scanModule, valuesOf } from "../wgsl/scan-module.js";

/** A constant that a kernel's `constants` may set: an override in WGSL, a specialization constant in SPIR-V. */
export interface ShaderConstant {
  readonly name?: string;
  /** The number by which it is set, for a constant that has one. */
  readonly id?: string;
  /** Absent if it depends on an expression that Kiln does not evaluate. */
  readonly type?: ScalarType;
  /** As WGSL writes it; absent if there is none, so that every kernel must set the constant. */
  readonly default?: string;
}

/**
 * Lists the constants of a source, in its order, for tools that have only the source.
 * @throws {ComputeError} `shader-compilation` for text that does not parse; `invalid-kernel` for bytes that are not
 *   SPIR-V.
 */
export function listConstants({ wgsl, spirv }: ShaderSource): readonly ShaderConstant[] {
  return spirv === undefined ? ofWgsl(wgsl) : ofSpirv(spirv);
}

function ofWgsl(wgsl: string): ShaderConstant[] {
  const module = scanModule(wgsl);
  const scope = new ModuleConstants(module);
  return valuesOf(module.declarations.values(), "override").map((override) => {
    const { name, initializer } = override;
    const id = idOf(override, scope);
    const type = scope.scalarOf(override);
    const [first, last] = [initializer[0], initializer.at(-1)];
    return {
      name,
      ...(id !== undefined && { id }),
      ...(type && { type }),
      ...(first && last && { default: wgsl.slice(first.start, last.end) }),
    };
  });
}

function ofSpirv(spirv: Uint8Array | Uint32Array): ShaderConstant[] {
  const module = readSpirv(spirv);
  return specializationConstants(module).map(({ id, specId, name, type }) => {
    const { opcode, operands } = module.definitions.get(id)!;
    return {
      ...(name !== undefined && { name }),
      ...(specId !== undefined && { id: String(specId) }),
      ...(type && { type }),
      ...(type && { default: opcode === Op.SpecConstant ? wordText(type, operands[2]!) : trueOrFalse(opcode) }),
    };
  });
}

function trueOrFalse(opcode: number): string {
  return opcode === Op.SpecConstantTrue ? "true" : "false";
}

function wordText(type: ScalarType, word: number): string {
  const bits = Uint32Array.of(word);
  if (type === "i32") return String(new Int32Array(bits.buffer)[0]);
  return String(type === "f32" ? new Float32Array(bits.buffer)[0] : word);
}
