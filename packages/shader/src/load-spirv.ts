import { type BindingInfo, ComputeError, type Program, type TypeLayout } from "@kiln-gpu/core";
import { checkControlFlow } from "./check-control-flow.js";
import { checkSupported, spirvWorkgroupSize } from "./check-spirv.js";
import { checkOperands } from "./check-spirv-operands.js";
import { applyEdits, type Edit } from "./edit-text.js";
import { legalizeSpirv } from "./legalize-spirv.js";
import type { LoadedProgram } from "./loaded-program.js";
import { matchLayout, uniformProblem } from "./match-layout.js";
import { pruneFunctions, pruneGlobals } from "./prune-spirv.js";
import { chooseName, reflectProgram } from "./reflect-program.js";
import { scanModule, type WgslModule } from "./scan-module.js";
import { specializeSpirv } from "./specialize-spirv.js";
import { type SpirvBinding, spirvBindings } from "./spirv-bindings.js";
import { readSpirv } from "./spirv-module.js";
import { freePlace } from "./splittable.js";
import { translateSpirv } from "./translate-spirv.js";

type Place = { readonly group: number; readonly binding: number };

/** Translates a SPIR-V program and reflects what came out, with the names that the SPIR-V has. */
export async function loadSpirv(
  source: Uint8Array | Uint32Array,
  { entryPoint, constants }: Pick<Program, "entryPoint" | "constants">,
  subject: string,
): Promise<LoadedProgram> {
  const whole = readSpirv(source, subject);
  const entries = whole.computeEntryPoints;
  const entry =
    entries[
      chooseName(
        entries.map(({ name }) => name),
        entryPoint,
        subject,
      )
    ]!;
  const reachable = pruneFunctions(whole, entry, subject);
  checkOperands(reachable, subject);
  const spirv = pruneGlobals(specializeSpirv(reachable, constants, subject));
  checkSupported(spirv, subject);
  checkControlFlow(spirv, subject);
  const workgroupSize = spirvWorkgroupSize(spirv, subject);
  const bindings = spirvBindings(spirv);
  const pushConstantPlace = freePlace(bindings.flatMap(({ place }) => place ?? []));

  checkPlaces(bindings, subject);

  const translated = scanModule(await translateSpirv(legalizeSpirv(spirv), subject), subject);
  const reflect = (pushConstants: "uniform" | "storage, read") => {
    const module = scanModule(patch(translated, bindings, pushConstantPlace, pushConstants), subject);
    const reflected = reflectProgram(module, {}, subject, (info) =>
      describe(info, bindings, pushConstantPlace, subject, (type, path) => {
        const layout = matchLayout(spirv, type, info.layout, path);
        if (typeof layout !== "string") return layout;
        throw new ComputeError(
          "unsupported-shader",
          `${subject} has a layout that its translation to WGSL loses: ${layout}.`,
        );
      }),
    );
    return { wgsl: module.source, ...reflected };
  };
  // Push constants are packed more tightly than WebGPU takes a uniform; what does not fit there fits into a storage buffer.
  const asUniform = reflect("uniform");
  const isTight = asUniform.interface.bindings.some(
    (info) => isAt(pushConstantPlace, info) && uniformProblem(info.layout, info.name) !== undefined,
  );
  const reflected = isTight ? reflect("storage, read") : asUniform;
  if (reflected.interface.workgroupSize.some((count, i) => count !== workgroupSize[i])) {
    const [wgsl, given] = [reflected.interface.workgroupSize, workgroupSize].map((size) => size.join(", "));
    throw new ComputeError(
      "unsupported-shader",
      `${subject} has workgroups of [${given}]; they translate as [${wgsl}].`,
    );
  }
  return reflected;
}

/** What naga leaves to do: buffers that are only read, push constants, the directive for subgroups. */
function patch(
  { source, tokens, declarations }: WgslModule,
  bindings: readonly SpirvBinding[],
  pushConstantPlace: Place | undefined,
  pushConstants: "uniform" | "storage, read",
): string {
  const edits: Edit[] = [];
  for (const declaration of declarations.values()) {
    if (declaration.kind !== "variable") continue;
    const [space, access] = declaration.template;
    const { start } = declaration.tokens.find(({ text }) => text === "var")!;
    const { end } = declaration.tokens.find(({ text }) => text === ">")!;
    if (space === "immediate" && pushConstantPlace) {
      const { group, binding } = pushConstantPlace;
      edits.push({ start, end, text: `@group(${group}) @binding(${binding}) var<${pushConstants}>` });
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

/** One place may have several views in SPIR-V, and has one buffer of one type in WGSL. */
function checkPlaces(bindings: readonly SpirvBinding[], subject: string): void {
  const taken = new Map<string, SpirvBinding>();
  for (const binding of bindings) {
    const { place, name } = binding;
    const key = place ? `group ${place.group} binding ${place.binding}` : "the push constants";
    const other = taken.get(key);
    if (other) {
      throw new ComputeError(
        "unsupported-shader",
        `${subject} binds "${other.name ?? "a block"}" and "${name ?? "a block"}" at one place, ${key}; WebGPU binds one there.`,
      );
    }
    taken.set(key, binding);
  }
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
