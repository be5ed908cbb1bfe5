import type { DeviceLimits } from "@kiln-gpu/core";
import {
  type BindingInfo,
  type BufferPlace,
  fitsImmediates,
  type PipelineLayout,
  type ProgramVariant,
} from "@kiln-gpu/core/backend";
import { applyEdits, type Edit } from "./edit-text.js";
import { ModuleConstants } from "./program-constants.js";
import { scanModule, valuesOf } from "./scan-module.js";
import { splitVariant, type WgslProgram } from "./split-variant.js";
import { staticUse } from "./static-use.js";
import { TypeLayouts } from "./type-layout.js";

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
  const aligned = withInnerAlignments(wgsl, loaded.interface.entryPoint);
  return grid ? splitVariant({ ...loaded, wgsl: aligned }, grid) : aligned;
}

/**
 * Repeats the `@align` of a struct's members where that struct is a member itself. This changes nothing by the rules of
 * WGSL; but the compiler in Deno and Firefox, naga, forgets the alignment there (gfx-rs/wgpu#4377) and would read other
 * bytes.
 */
function withInnerAlignments(wgsl: string, entryPoint: string): string {
  if (!wgsl.includes("align")) return wgsl;
  const module = scanModule(wgsl);
  const layouts = new TypeLayouts(module, new ModuleConstants(module));
  for (const variable of valuesOf(staticUse(module, module.declarations.get(entryPoint)!), "variable")) {
    if (["storage", "uniform", "immediate"].includes(variable.template[0]!)) layouts.of(variable);
  }
  const edits = [...layouts.innerAlignments].map(([{ name, attributes }, align]) => {
    const start = attributes[0]?.start ?? name.start;
    return { start, end: start, text: `@align(${align}) ` };
  });
  return applyEdits(wgsl, edits);
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
