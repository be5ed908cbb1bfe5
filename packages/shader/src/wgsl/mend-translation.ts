import { applyEdits, type Edit } from "./edit-text.js";
import { scanModule } from "./scan-module.js";

/** The largest f32 with as many digits as tell it from others, as naga writes it: as a decimal number it is larger than any f32. */
const roundedLargest = `34028235${"0".repeat(31)}f`;
const largest = "0x1.fffffep+127f";

/**
 * Mends the WGSL that naga writes: buffers that the SPIR-V never writes are `read`, subgroups are enabled, and the largest f32 is one.
 * @param isReadOnly Whether the SPIR-V never writes the buffer at a place.
 */
export function mendTranslation(wgsl: string, isReadOnly: (group: number, binding: number) => boolean): string {
  const { tokens, declarations } = scanModule(wgsl);
  const edits: Edit[] = [];
  for (const declaration of declarations.values()) {
    if (declaration.kind !== "variable" || declaration.template[1] !== "read_write") continue;
    const [group, binding] = ["group", "binding"].map((wanted) =>
      Number(declaration.attributes.find(({ name }) => name === wanted)?.arguments[0]?.[0]?.text),
    );
    if (!isReadOnly(group!, binding!)) continue;
    const { start } = declaration.tokens.find(({ text }) => text === "var")!;
    const { end } = declaration.tokens.find(({ text }) => text === ">")!;
    edits.push({ start, end, text: "var<storage, read>" });
  }
  for (const { text, start, end } of tokens) {
    if (text === roundedLargest) edits.push({ start, end, text: largest });
  }
  const usesSubgroups = tokens.some(({ text }) => /^(?:subgroup[A-Z_]|num_subgroups$|quad[A-Z])/u.test(text));
  return (usesSubgroups ? "enable subgroups;\n" : "") + applyEdits(wgsl, edits);
}
