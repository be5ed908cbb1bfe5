import type { Program } from "@kiln-gpu/core";
import type { BindingInfo, TypeLayout } from "@kiln-gpu/core/backend";
import { compileNaga } from "../naga-wasm.js";
import { Refusal } from "../refusal.js";
import { type SpirvBinding, spirvBindings } from "../spirv/bindings.js";
import { checkControlFlow } from "../spirv/check-control-flow.js";
import { checkOperands } from "../spirv/check-operands.js";
import { checkSupported, spirvWorkgroupSize } from "../spirv/check-supported.js";
import { checkZeros } from "../spirv/check-zeros.js";
import { unusedBindings, withoutBlock } from "../spirv/declared-layout.js";
import { InstructionRefusal, inItsSource } from "../spirv/instruction-source.js";
import { nameInstruction } from "../spirv/instructions.js";
import { legalizeSpirv } from "../spirv/legalize.js";
import { matchLayout } from "../spirv/match-layout.js";
import { type EntryPoint, readSpirv, type SpirvModule } from "../spirv/module.js";
import { Translator } from "../spirv/naga-instance.js";
import { pruneFunctions, pruneGlobals } from "../spirv/prune.js";
import { specializeSpirv } from "../spirv/specialize.js";
import { translateSpirv } from "../spirv/translate.js";
import { transposeMatrices } from "../spirv/transpose-matrices.js";
import { mendTranslation } from "../wgsl/mend-translation.js";
import { passBuiltins } from "../wgsl/pass-builtins.js";
import { chooseName, reflectProgram } from "../wgsl/reflect-program.js";
import { scanModule, type WgslModule } from "../wgsl/scan-module.js";
import type { LoadedProgram } from "./loaded-program.js";
import { addMemberSizes, type MemberSizes, withMemberSizes } from "./member-sizes.js";
import type { TranslatorOptions, TranslatorWasm } from "./translator-wasm.js";

/** By where the WebAssembly comes from, so that all backends share what was compiled of the same one. */
const translatorsByUrl = new Map<string, Translator>();
const translatorsByContent = new WeakMap<object, Translator>();

type Place = { readonly group: number; readonly binding: number };

/** Translates a SPIR-V program to WGSL and reflects the translation, with the names of the SPIR-V. */
export async function loadSpirv(
  source: Uint8Array | Uint32Array,
  program: Pick<Program, "entryPoint" | "constants">,
  { translatorWasm }: TranslatorOptions = {},
): Promise<LoadedProgram> {
  try {
    return await loadModule(source, program, translatorOf(translatorWasm));
  } catch (error) {
    throw inItsSource(error, source);
  }
}

function translatorOf(wasm: TranslatorWasm | undefined): Translator {
  const create = () => new Translator(() => compileNaga(wasm));
  if (typeof wasm === "object" && !(wasm instanceof URL)) return getOrCreate(translatorsByContent, wasm, create);
  return getOrCreate(translatorsByUrl, String(wasm), create);
}

function getOrCreate<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  create: () => V,
): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

async function loadModule(
  source: Uint8Array | Uint32Array,
  program: Pick<Program, "entryPoint" | "constants">,
  translator: Translator,
): Promise<LoadedProgram> {
  const { specialized, spirv } = reduce(readSpirv(source), program);
  const bindings = spirvBindings(spirv);
  checkPlaces(bindings);
  const wgsl = await translateSpirv(legalizeSpirv(spirv), specialized, translator);
  const mended = mendTranslation(wgsl, {
    workgroupSize: spirvWorkgroupSize(spirv),
    isReadOnly: (group, binding) => {
      const here = bindings.filter(({ place }) => place && isAt(place, { group, binding }));
      return here.length > 0 && here.every(({ isReadOnly }) => isReadOnly);
    },
  });
  const translated = reflectTranslation(passBuiltins(mended), spirv, bindings);
  const isUsed = (at: number) => bindings.some(({ variable }) => variable.at === at);
  const unused = unusedBindings(specialized, isUsed, translated.interface.bindings);
  return { ...translated, interface: { ...translated.interface, unused } };
}

/**
 * What an entry point needs of a module, checked and specialized; and the same with everything that the module
 * declares.
 */
function reduce(
  module: SpirvModule,
  { entryPoint, constants }: Pick<Program, "entryPoint" | "constants">,
): { readonly specialized: SpirvModule; readonly spirv: SpirvModule } {
  const entries = module.computeEntryPoints;
  checkNames(entries);
  const names = entries.map(({ name }) => name);
  const reachable = pruneFunctions(module, entries[chooseName(names, entryPoint)]!);
  checkOperands(reachable);
  const specialized = specializeSpirv(reachable, constants);
  const used = pruneGlobals(specialized);
  checkZeros(used, reachable, constants);
  checkSupported(used);
  checkControlFlow(used);
  return { specialized, spirv: transposeMatrices(used) };
}

/**
 * Reflects a translation, with the names of the SPIR-V. If parts of its layouts are at other bytes, it gets the sizes
 * of members that the SPIR-V has.
 * @throws {ComputeError} `unsupported-shader` if they are at other bytes even then.
 */
function reflectTranslation(wgsl: string, spirv: SpirvModule, bindings: readonly SpirvBinding[]): LoadedProgram {
  const sizes: MemberSizes = new Map();
  const reflect = (module: WgslModule) => {
    let lost: InstructionRefusal | undefined;
    const reflected = reflectProgram(module, {}, (info) =>
      describe(info, bindings, ({ type, variable }, path) => {
        const layout = matchLayout(spirv, type, info.layout, path);
        if (typeof layout !== "string") return layout;
        lost ??= new InstructionRefusal(
          "unsupported-shader",
          variable,
          `has a layout that its translation to WGSL loses: ${layout} (${nameInstruction(variable)}); ` +
            "use the std430 layout, or std140 in a uniform block.",
        );
        addMemberSizes(sizes, spirv, type, info.layout);
        return info.layout;
      }),
    );
    return { program: { ...reflected, wgsl: module.source }, lost };
  };
  const module = scanModule(wgsl);
  const asTranslated = reflect(module);
  if (!asTranslated.lost) return asTranslated.program;
  const { program, lost } = reflect(scanModule(withMemberSizes(module, sizes)));
  if (lost) throw asTranslated.lost;
  return program;
}

function checkNames(entries: readonly EntryPoint[]): void {
  const names = new Set<string>();
  for (const { name, instruction } of entries) {
    if (names.has(name)) {
      throw new InstructionRefusal(
        "invalid-kernel",
        instruction,
        `has several compute entry points "${name}" (${nameInstruction(instruction)}); their names must differ.`,
      );
    }
    names.add(name);
  }
}

/** SPIR-V may declare several views of one binding; in WGSL a binding has one type. */
function checkPlaces(bindings: readonly SpirvBinding[]): void {
  const taken = new Map<string, SpirvBinding>();
  for (const binding of bindings) {
    const { place } = binding;
    const key = place ? `group ${place.group} binding ${place.binding}` : "the push constants";
    const other = taken.get(key);
    if (other) {
      throw new InstructionRefusal(
        "unsupported-shader",
        binding.variable,
        `binds ${called(other)} and ${called(binding)} at one place, ${key} (${nameInstruction(other.variable)}, ` +
          `${nameInstruction(binding.variable)}); WebGPU has one buffer of one type there.`,
      );
    }
    taken.set(key, binding);
  }
}

/** A variable without a name is called by its id, as disassemblers write it. */
function called({ name, variable }: SpirvBinding): string {
  return name === undefined ? `%${variable.operands[1]}` : `"${name}"`;
}

function describe(
  info: BindingInfo,
  bindings: readonly SpirvBinding[],
  layoutOf: (binding: SpirvBinding, path: string) => TypeLayout,
): { readonly name: string; readonly layout: TypeLayout } {
  const here = bindings.filter(({ place }) => (place ? !info.isImmediate && isAt(place, info) : info.isImmediate));
  const declared = here.find(({ variableName }) => variableName === info.name) ?? here[0];
  if (!declared) {
    throw new Refusal(
      "invalid-kernel",
      `uses a binding at group ${info.group}, binding ${info.binding}, which its SPIR-V does not declare.`,
    );
  }
  const name = declared.name ?? `${info.group}/${info.binding}`;
  const layout = layoutOf(declared, name);
  return { name, layout: info.kind === "storage" ? withoutBlock(layout) : layout };
}

function isAt(place: Place, { group, binding }: Place): boolean {
  return place.group === group && place.binding === binding;
}
