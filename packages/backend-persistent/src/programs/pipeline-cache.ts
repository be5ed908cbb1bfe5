import type { Bindings, Kernel } from "@kiln-gpu/core";
import {
  layOutPipeline,
  Planner,
  type ProgramVariant,
  type ShaderInterface,
  type TraceRecorder,
  traced,
} from "@kiln-gpu/core/backend";
import {
  interfacesOf,
  type LoadedProgram,
  type LoadOptions,
  loadKernel,
  subjectOf,
  translator,
  variantOf,
} from "@kiln-gpu/shader";
import { contentAddress, ShaderCache, type ShaderRequest } from "@kiln-gpu/shader-cache";
import { type CompiledProgram, compileProgram, type OpenDevice } from "@kiln-gpu/webgpu";
import { flagsOf, nameOf, type Variant, variantNames, type WarmProgram } from "./manifest.js";
import type { ProgramHistory } from "./program-history.js";

/** A cached pipeline. The ids of its layouts are part of the key of each bind group. */
export interface CachedPipeline extends CompiledProgram {
  readonly layoutIds: readonly number[];
}

/** Variants with immediates exist only for programs that have immediates. */
type AddressByVariant = Readonly<Partial<Record<Variant, string>> & { readonly whole: string }>;

/** A kernel whose sources are translated, reflected and hashed, once for each kernel. */
export interface LoadedKernel {
  readonly label: string;
  readonly planner: Planner<Bindings>;
  readonly interfaces: { readonly [program: string]: ShaderInterface };
  readonly programs: { readonly [program: string]: LoadedProgram };
  /** Content addresses, by program and variant. */
  readonly addresses: ReadonlyMap<string, AddressByVariant>;
}

export interface PipelineCacheParts {
  readonly open: OpenDevice;
  readonly maxPipelines: number;
  readonly recorder: TraceRecorder | undefined;
  /** Where the programs of earlier processes are found, and how SPIR-V is translated. */
  readonly loading: LoadOptions;
  /** Records every program that runs use. */
  readonly history: ProgramHistory;
}

/** How many pipelines a warm-up compiles at a time: enough for all cores, but few ahead of one that a run waits for. */
const maxWarming = 16;

/**
 * Turns kernels into pipelines, and compiles each once for each device.
 *
 * Invariant: only the cache holds pipelines. A loaded kernel holds addresses, so the bound of the cache is the bound on
 * pipelines.
 */
export class PipelineCache {
  readonly #parts: PipelineCacheParts;
  readonly #cache: ShaderCache<CachedPipeline>;
  readonly #loaded = new WeakMap<object, LoadedKernel>();
  readonly #loading = new WeakMap<object, Promise<LoadedKernel>>();
  /** The addresses that warm-ups are compiling, and those that they compiled and no run has used yet. */
  readonly #warming = new Set<string>();
  readonly #warmed = new Set<string>();
  #warmedCount = 0;
  #lastLayoutId = 0;
  #isCleared = false;

  constructor(parts: PipelineCacheParts) {
    this.#parts = parts;
    this.#cache = new ShaderCache({
      maxEntries: parts.maxPipelines,
      onEvict: (_, address) => this.#warmed.delete(address),
    });
  }

  /** Returns the loaded kernel, if it was loaded before. */
  peek<B extends Bindings>(kernel: Kernel<B>): LoadedKernel | undefined {
    return this.#loaded.get(kernel);
  }

  load<B extends Bindings>(kernel: Kernel<B>): Promise<LoadedKernel> {
    let loading = this.#loading.get(kernel);
    if (!loading) {
      loading = this.#load(kernel).finally(() => this.#loading.delete(kernel));
      this.#loading.set(kernel, loading);
    }
    return loading;
  }

  /** Returns the pipelines in the order of `wanted`, if all of them are compiled. */
  peekPipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): CachedPipeline[] | undefined {
    const found: CachedPipeline[] = [];
    for (const want of wanted) {
      const variant = nameOf(want);
      const address = kernel.addresses.get(want.program)![variant]!;
      const pipeline = this.#cache.peek(address);
      if (!pipeline) return undefined;
      // A warm-up compiled it, which does not count as a use.
      if (this.#warmed.size > 0 && this.#warmed.delete(address)) this.#use(kernel, want.program, variant);
      found.push(pipeline);
    }
    return found;
  }

  /**
   * Resolves with the pipelines in the order of `wanted`, and compiles those that are missing.
   * @throws {ComputeError} As `compileProgram`.
   */
  pipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): Promise<CachedPipeline[]> {
    return Promise.all(wanted.map((want) => this.#pipeline(kernel, want)));
  }

  /**
   * Compiles all variants of `programs`, in order. A program that does not compile is counted and otherwise ignored.
   */
  async warmUp(programs: readonly WarmProgram[]): Promise<{ readonly compiled: number; readonly failed: number }> {
    const { open, maxPipelines } = this.#parts;
    const wanted = programs.flatMap((program) => program.variants.map((variant) => ({ program, variant }))).values();
    const begun = new Set<string>();
    let compiled = 0;
    const work = async () => {
      for (const { program, variant } of wanted) {
        // Hashed one at a time, so that other work of this thread can go between them.
        const address = await addressOf(program, variant);
        if (this.#isCleared || open.loss || begun.size >= maxPipelines) return;
        if (begun.has(address)) continue;
        begun.add(address);
        if (await this.#warm(address, program, variant)) compiled += 1;
      }
    };
    await Promise.all(Array.from({ length: maxWarming }, work));
    return { compiled, failed: begun.size - compiled };
  }

  /** Stops warm-ups from starting further compilations. */
  endWarmUps(): void {
    this.#isCleared = true;
  }

  stats() {
    return { ...this.#cache.stats(), warmed: this.#warmedCount };
  }

  clear(): void {
    this.endWarmUps();
    this.#cache.clear();
  }

  async #load<B extends Bindings>(kernel: Kernel<B>): Promise<LoadedKernel> {
    const programs = await loadKernel(kernel, this.#parts.loading);
    const addresses = new Map<string, AddressByVariant>();
    for (const [program, loaded] of Object.entries(programs)) {
      const hasImmediates = loaded.interface.bindings.some(({ isImmediate }) => isImmediate);
      const variants = hasImmediates ? variantNames : variantNames.filter((name) => !flagsOf(name).immediate);
      const named = await Promise.all(variants.map(async (name) => [name, await addressOf(loaded, name)] as const));
      addresses.set(program, Object.fromEntries(named) as unknown as AddressByVariant);
    }
    const { limits } = this.#parts.open.info;
    const interfaces = interfacesOf(programs);
    const planner = new Planner(kernel, interfaces, limits) as unknown as Planner<Bindings>;
    const loaded = { label: kernel.label, planner, interfaces, programs, addresses };
    this.#loaded.set(kernel, loaded);
    return loaded;
  }

  async #pipeline(kernel: LoadedKernel, want: ProgramVariant): Promise<CachedPipeline> {
    const variant = nameOf(want);
    const address = kernel.addresses.get(want.program)![variant]!;
    const subject = subjectOf(kernel, want.program);
    const create = () => this.#compile(kernel.label, subject, kernel.programs[want.program]!, variant);
    const isWarming = this.#warming.has(address);
    let pipeline: CachedPipeline;
    try {
      pipeline = await this.#cache.get(address, create);
    } catch (error) {
      if (!isWarming) throw error;
      // The error names the kernel of the manifest. Compiling again gives an error that names this kernel.
      pipeline = await this.#cache.get(address, create);
    }
    this.#use(kernel, want.program, variant);
    return pipeline;
  }

  async #warm(address: string, program: WarmProgram, variant: Variant): Promise<boolean> {
    const isOurs = !this.#warming.has(address);
    this.#warming.add(address);
    try {
      await this.#cache.get(address, async () => {
        const pipeline = await this.#compile(program.label, `Kernel "${program.label}"`, program, variant);
        this.#warmedCount += 1;
        this.#warmed.add(address);
        return pipeline;
      });
      return true;
    } catch {
      return false;
    } finally {
      if (isOurs) this.#warming.delete(address);
    }
  }

  #use({ label, programs, addresses }: LoadedKernel, program: string, variant: Variant): void {
    this.#parts.history.add(addresses.get(program)!.whole, { label, ...programs[program]! }, variant);
  }

  async #compile(
    label: string,
    subject: string,
    program: Omit<WarmProgram, "label" | "variants">,
    variant: Variant,
  ): Promise<CachedPipeline> {
    const { open, recorder } = this.#parts;
    const compiled = await traced(recorder, `The compilation of kernel "${label}"`, () => {
      const layout = layOutPipeline(subject, program.interface, flagsOf(variant), open.info.limits);
      const wgsl = variantOf(program, layout);
      return compileProgram(open, { ...program, label: `Kernel "${label}"`, layout, wgsl });
    });
    return { ...compiled, layoutIds: compiled.bindGroupLayouts.map(() => ++this.#lastLayoutId) };
  }
}

/** The address of one variant of a program: the SHA-256 of everything that it is compiled from. */
export function addressOf(
  { wgsl, constants, interface: shader }: Pick<LoadedProgram, "wgsl" | "constants" | "interface">,
  variant: Variant,
): Promise<string> {
  const request: ShaderRequest = {
    // The text that the device compiles: one SPIR-V module gives a text for each specialization and entry point.
    language: "wgsl",
    source: wgsl,
    constants,
    interface: shader,
    ...flagsOf(variant),
    translator,
  };
  return contentAddress(request);
}
