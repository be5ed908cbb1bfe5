/**
 * Restores the gaps between the members of SPIR-V's structs, which naga leaves out. In WGSL a gap is a `@size` of the
 * member before it; where the elements of an array are further apart than they are long, it is a `@size` of their last
 * member. `match-layout.ts` compares the result.
 */
import type { TypeLayout } from "@kiln-gpu/core/backend";
import { decorationOf, type SpirvModule } from "../spirv/module.js";
import { Decoration, Op } from "../spirv/words.js";
import { applyEdits, type Edit } from "../wgsl/edit-text.js";
import type { WgslModule } from "../wgsl/scan-module.js";

/**
 * The bytes from a member to the next one if there is a gap between them, by the struct's name in the WGSL and the
 * member's index.
 */
export type MemberSizes = Map<string, Map<number, number>>;

/**
 * Adds the sizes for all structs in `type`.
 * @param layout The layout of its translation.
 * @param stride If `type` is the element type of an array, the distance between the elements.
 */
export function addMemberSizes(
  sizes: MemberSizes,
  module: SpirvModule,
  type: number,
  layout: TypeLayout,
  stride?: number,
): void {
  const definition = module.definitions.get(type);
  if (layout.kind === "array" && (definition?.opcode === Op.TypeArray || definition?.opcode === Op.TypeRuntimeArray)) {
    const apart = decorationOf(module, Decoration.ArrayStride, type);
    addMemberSizes(sizes, module, definition.operands[1]!, layout.element, apart);
  }
  if (layout.kind !== "struct" || definition?.opcode !== Op.TypeStruct) return;
  const offsetOf = (member: number) => decorationOf(module, Decoration.Offset, type, member);
  const ofStruct = sizes.get(layout.name) ?? new Map<number, number>();
  sizes.set(layout.name, ofStruct);
  for (const [i, { layout: member }] of layout.members.entries()) {
    const [start, end] = [offsetOf(i), offsetOf(i + 1) ?? stride];
    const isOpen = member.kind === "array" && member.count === 0;
    if (start !== undefined && end !== undefined && end - start > member.byteLength && !isOpen)
      ofStruct.set(i, end - start);
    addMemberSizes(sizes, module, definition.operands[i + 1] ?? 0, member);
  }
}

/** Returns the module's text with the sizes written as attributes. */
export function withMemberSizes({ source, declarations }: WgslModule, sizes: MemberSizes): string {
  const edits: Edit[] = [];
  for (const [name, ofStruct] of sizes) {
    const declaration = declarations.get(name);
    if (declaration?.kind !== "struct") continue;
    for (const [i, size] of ofStruct) {
      const { start } = declaration.members[i]!.name;
      edits.push({ start, end: start, text: `@size(${size}) ` });
    }
  }
  return applyEdits(source, edits);
}
