import type { DeviceLimits } from "@kiln-gpu/core";
import {
  type BindingInfo,
  type BufferPlace,
  fitsImmediates,
  type PipelineLayout,
  type ProgramVariant,
} from "@kiln-gpu/core/backend";
import { applyEdits, type Edit } from "./edit-text.js";
import { scanModule, valuesOf } from "./scan-module.js";
import { splitVariant, type WgslProgram } from "./split-variant.js";

type Programs = { readonly [program: string]: WgslProgram };

/** How each program runs if its grid is not split and its immediates come from the host. */
export function wholeVariants(programs: Programs, limits: DeviceLimits): ProgramVariant[] {
  return Object.entries(programs).map(([program, loaded]) => {
    const immediates = immediatesOf(loaded);
    return { program, split: false, immediate: immediates !== undefined && fitsImmediates(immediates, limits) };
  });
}

/** The WGSL of the variant of a program that has this layout. */
export function variantOf(loaded: WgslProgram, { immediates, grid }: PipelineLayout): string {
  const wgsl = immediates ? withoutImmediates(loaded.wgsl, immediates) : loaded.wgsl;
  return grid ? splitVariant({ ...loaded, wgsl }, grid) : wgsl;
}

function immediatesOf({ interface: { bindings } }: WgslProgram): BindingInfo | undefined {
  return bindings.find(({ isImmediate }) => isImmediate);
}

/** Makes each `var<immediate>` a buffer; an entry point uses at most one. */
function withoutImmediates(
  wgsl: string,
  { name, group, binding, type }: BufferPlace & { readonly name: string },
): string {
  const { declarations, tokens } = scanModule(wgsl);
  const declared = valuesOf(declarations.values(), "variable").filter(({ template }) => template[0] === "immediate");
  const edits: Edit[] = declared.map((variable) => {
    const { start } = variable.tokens.find(({ text }) => text === "var")!;
    const { end } = variable.tokens.find(({ text }) => text === ">")!;
    const isUsed = declared.length === 1 || variable.name === name;
    // The variables of other entry points must be valid too; a storage buffer takes every layout.
    const space = isUsed && type === "uniform" ? "uniform" : "storage, read";
    return { start, end, text: `@group(${group}) @binding(${binding}) var<${space}>` };
  });
  for (const [i, { text, start, end }] of tokens.entries()) {
    if (text !== "immediate_address_space") continue;
    const [before, after] = [tokens[i - 1], tokens[i + 1]];
    if (after?.text === ",") edits.push({ start, end: after.end, text: "" });
    else if (before?.text === ",") edits.push({ start: before.start, end, text: "" });
    else if (before?.text === "requires" && after?.text === ";") {
      edits.push({ start: before.start, end: after.end, text: "" });
    }
  }
  return applyEdits(wgsl, edits);
}
