import { type BindingInfo, ComputeError, type Program, type TypeLayout } from "@kiln-gpu/core";
import { checkSupported, spirvWorkgroupSize } from "./check-spirv.js";
import { applyEdits, type Edit } from "./edit-text.js";
import type { LoadedProgram } from "./loaded-program.js";
import { matchLayout, uniformProblem } from "./match-layout.js";
import { chooseName, computeEntryPoints, reflectProgram } from "./reflect-program.js";
import { scanModule, type WgslModule } from "./scan-module.js";
import { type SpirvBinding, spirvBindings } from "./spirv-bindings.js";
import { type ComputeEntryPoint, readSpirv, workgroupSizeConstant } from "./spirv-module.js";
import { freePlace } from "./splittable.js";
import { translateSpirv } from "./translate-spirv.js";

type Place = { readonly group: number; readonly binding: number };

/** Translates a SPIR-V program and reflects what came out, with the names that the SPIR-V has. */
export async function loadSpirv(
  source: Uint8Array | Uint32Array,
  { entryPoint, constants }: Pick<Program, "entryPoint" | "constants">,
  subject: string,
): Promise<LoadedProgram> {
  const spirv = readSpirv(source, subject);
  const entries = spirv.computeEntryPoints;
  const entry =
    entries[
      chooseName(
        entries.map(({ name }) => name),
        entryPoint,
        subject,
      )
    ]!;
  checkSupported(spirv, subject);
  const workgroupSize = spirvWorkgroupSize(spirv, entry, subject);
  const bindings = spirvBindings(spirv);
  const pushConstantPlace = freePlace(bindings.flatMap(({ place }) => place ?? []));

  const translated = scanModule(await translateSpirv(spirv, subject), subject);
  const frozenSize = workgroupSizeConstant(spirv) && workgroupSize;
  const module = scanModule(patch(translated, bindings, pushConstantPlace, frozenSize), subject);
  const name = translatedName(module, entry, entries, subject);
  const reflected = await reflectProgram(
    module,
    { entryPoint: name, ...(constants && { constants }) },
    subject,
    (info) =>
      describe(info, bindings, pushConstantPlace, subject, (type, path) => {
        const layout = matchLayout(spirv, type, info.layout, path);
        if (typeof layout !== "string") return layout;
        throw new ComputeError(
          "unsupported-shader",
          `${subject} has a layout that its translation to WGSL loses: ${layout}.`,
        );
      }),
  );
  if (reflected.interface.workgroupSize.some((count, i) => count !== workgroupSize[i])) {
    const [wgsl, given] = [reflected.interface.workgroupSize, workgroupSize].map((size) => size.join(", "));
    throw new ComputeError(
      "unsupported-shader",
      `${subject} has workgroups of [${given}]; they translate as [${wgsl}].`,
    );
  }
  for (const info of reflected.interface.bindings) {
    const problem = info.kind === "uniform" && isAt(pushConstantPlace, info) && uniformProblem(info.layout, info.name);
    if (problem) {
      throw new ComputeError(
        "unsupported-shader",
        `${subject} has push constants that cannot be a uniform: ${problem}.`,
      );
    }
  }
  return { wgsl: module.source, ...reflected };
}

/** What naga leaves to do: buffers that are only read, push constants, a frozen workgroup size, the directive for subgroups. */
function patch(
  { source, tokens, declarations }: WgslModule,
  bindings: readonly SpirvBinding[],
  pushConstantPlace: Place | undefined,
  frozenSize: readonly number[] | undefined,
): string {
  const edits: Edit[] = [];
  for (const declaration of declarations.values()) {
    if (declaration.kind === "function" && frozenSize) {
      const size = declaration.attributes.find(({ name }) => name === "workgroup_size");
      if (size) edits.push({ ...size, text: `@workgroup_size(${frozenSize.join(", ")})` });
    }
    if (declaration.kind !== "variable") continue;
    const [space, access] = declaration.template;
    const { start } = declaration.tokens.find(({ text }) => text === "var")!;
    const { end } = declaration.tokens.find(({ text }) => text === ">")!;
    if (space === "immediate" && pushConstantPlace) {
      const { group, binding } = pushConstantPlace;
      edits.push({ start, end, text: `@group(${group}) @binding(${binding}) var<uniform>` });
    }
    if (access === "read_write") {
      const [group, binding] = ["group", "binding"].map((wanted) =>
        Number(declaration.attributes.find(({ name }) => name === wanted)?.arguments[0]?.[0]?.text),
      );
      const here = bindings.filter(({ place }) => place?.group === group && place?.binding === binding);
      if (here.length > 0 && here.every(({ isReadOnly }) => isReadOnly))
        edits.push({ start, end, text: "var<storage, read>" });
    }
  }
  const usesSubgroups = tokens.some(({ text }) => /^(?:subgroup[A-Z_]|num_subgroups$|quad[A-Z])/u.test(text));
  return (usesSubgroups ? "enable subgroups;\n" : "") + applyEdits(source, edits);
}

/** naga keeps an entry point's name unless WGSL reserves it. */
function translatedName(
  module: WgslModule,
  { name }: ComputeEntryPoint,
  entries: readonly ComputeEntryPoint[],
  subject: string,
): string {
  const translated = computeEntryPoints(module).map((entry) => entry.name);
  if (translated.includes(name)) return name;
  if (translated.length === 1 && entries.length === 1) return translated[0]!;
  const list = translated.map((other) => `"${other}"`).join(", ");
  throw new ComputeError(
    "unsupported-shader",
    `${subject} has an entry point "${name}" that WGSL cannot name; it has ${list}.`,
  );
}

function describe(
  info: BindingInfo,
  bindings: readonly SpirvBinding[],
  pushConstantPlace: Place | undefined,
  subject: string,
  layoutOf: (type: number, path: string) => TypeLayout,
): { readonly name: string; readonly layout: TypeLayout } {
  const here = bindings.filter(({ place }) => isAt(place ?? pushConstantPlace, info));
  const declared = here.find(({ variableName }) => variableName === info.name) ?? here[0];
  if (!declared) {
    throw new ComputeError(
      "invalid-kernel",
      `${subject} uses a binding at group ${info.group}, binding ${info.binding}, that its SPIR-V does not declare there.`,
    );
  }
  const name = declared.name ?? `${info.group}/${info.binding}`;
  const layout = layoutOf(declared.type, name);
  const sole = layout.kind === "struct" && layout.members.length === 1 ? layout.members[0]!.layout : undefined;
  // A storage block around one member is that member, the same bytes.
  const isSameBytes = sole && (sole.byteLength === layout.byteLength || (sole.kind === "array" && sole.count === 0));
  return { name, layout: info.kind === "storage" && isSameBytes ? sole : layout };
}

function isAt(place: Place | undefined, { group, binding }: Place): boolean {
  return place?.group === group && place.binding === binding;
}
