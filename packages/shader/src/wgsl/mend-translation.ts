import { applyEdits, type Edit } from "./edit-text.js";
import { scanModule } from "./scan-module.js";

/**
 * The largest f32 as naga writes it: with just enough digits to tell it from other f32 values, which as a number is
 * above all of them.
 */
const roundedLargest = `34028235${"0".repeat(31)}f`;
const largest = "0x1.fffffep+127f";

/** What is lost of a SPIR-V module in naga's WGSL. */
export interface Untranslated {
  readonly workgroupSize: readonly [number, number, number];
  /** Whether the SPIR-V never writes the buffer at a place. */
  isReadOnly(group: number, binding: number): boolean;
}

/**
 * Corrects naga's WGSL: the workgroup size, the access of buffers, `enable subgroups;`, the largest f32, and ballots of
 * a constant.
 */
export function mendTranslation(wgsl: string, { workgroupSize, isReadOnly }: Untranslated): string {
  const { tokens, declarations } = scanModule(wgsl);
  const edits: Edit[] = [];
  for (const declaration of declarations.values()) {
    const size = declaration.attributes.find(({ name }) => name === "workgroup_size");
    if (size) edits.push({ ...size, text: `@workgroup_size(${workgroupSize.join(", ")})` });
    if (declaration.kind !== "variable" || declaration.template[1] !== "read_write") continue;
    const [group, binding] = ["group", "binding"].map((wanted) =>
      Number(declaration.attributes.find(({ name }) => name === wanted)?.arguments[0]?.[0]?.text),
    );
    if (!isReadOnly(group!, binding!)) continue;
    const { start } = declaration.tokens.find(({ text }) => text === "var")!;
    const { end } = declaration.tokens.find(({ text }) => text === ">")!;
    edits.push({ start, end, text: "var<storage, read>" });
  }
  for (const [i, { text, start, end }] of tokens.entries()) {
    if (text === roundedLargest) edits.push({ start, end, text: largest });
    // naga leaves a constant `true` out.
    const [open, close] = [tokens[i + 1], tokens[i + 2]];
    if (text === "subgroupBallot" && open && close?.text === ")") {
      edits.push({ start: open.end, end: open.end, text: "true" });
    }
  }
  const usesSubgroups = tokens.some(({ text }) => /^(?:subgroup[A-Z_]|num_subgroups$|quad[A-Z])/u.test(text));
  return (usesSubgroups ? "enable subgroups;\n" : "") + applyEdits(wgsl, edits);
}
