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

/** A pipeline that is kept; its layouts carry numbers by which bind groups are kept. */
export interface CachedPipeline extends CompiledProgram {
  readonly layoutIds: readonly number[];
}

/** Those with immediates only where the program has some. */
type AddressByVariant = Readonly<Partial<Record<Variant, string>> & { readonly whole: string }>;

/** A kernel whose sources are translated, reflected and hashed: done once for each kernel, however often it runs. */
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
  /** Told of every program that a run uses here. */
  readonly history: ProgramHistory;
}

/** Pipelines that a warm-up compiles at a time: enough for every core, and few before one that a run is waiting for. */
const maxWarming = 16;

/**
 * Kernels to pipelines, each compiled once for each device.
 *
 * Invariant: only the cache holds pipelines. A loaded kernel holds their addresses, so that the cache's bound is the
 * bound.
 */
export class PipelineCache {
  readonly #parts: PipelineCacheParts;
  readonly #cache: ShaderCache<CachedPipeline>;
  readonly #loaded = new WeakMap<object, LoadedKernel>();
  readonly #loading = new WeakMap<object, Promise<LoadedKernel>>();
  /** What warm-ups compile, and what they have compiled that no run has used yet. */
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

  /** The kernel, if it was loaded before. */
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

  /** The pipelines of all that is wanted, in its order, if each is compiled. */
  peekPipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): CachedPipeline[] | undefined {
    const found: CachedPipeline[] = [];
    for (const want of wanted) {
      const variant = nameOf(want);
      const address = kernel.addresses.get(want.program)![variant]!;
      const pipeline = this.#cache.peek(address);
      if (!pipeline) return undefined;
      // A warm-up has compiled it, and told nobody.
      if (this.#warmed.size > 0 && this.#warmed.delete(address)) this.#use(kernel, want.program, variant);
      found.push(pipeline);
    }
    return found;
  }

  /**
   * The pipelines of all that is wanted, in its order; what is not compiled yet is, once.
   * @throws {ComputeError} What `compileProgram` throws.
   */
  pipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): Promise<CachedPipeline[]> {
    return Promise.all(wanted.map((want) => this.#pipeline(kernel, want)));
  }

  /** Compiles all variants of `programs`, the first ones first. One that does not compile costs nobody anything. */
  async warmUp(programs: readonly WarmProgram[]): Promise<{ readonly compiled: number; readonly failed: number }> {
    const { open, maxPipelines } = this.#parts;
    const wanted = programs.flatMap((program) => program.variants.map((variant) => ({ program, variant }))).values();
    const begun = new Set<string>();
    let compiled = 0;
    const work = async () => {
      for (const { program, variant } of wanted) {
        // Hashed one by one: what else waits for this thread goes between them.
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

  /** Lets warm-ups begin nothing more. */
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
      // A manifest calls it by the name of another kernel; this one is told of its own.
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

/** Of one variant of a program: the SHA-256 of all that the device is told of it. */
export function addressOf(
  { wgsl, constants, interface: shader }: Pick<LoadedProgram, "wgsl" | "constants" | "interface">,
  variant: Variant,
): Promise<string> {
  const request: ShaderRequest = {
    // What the device compiles: one SPIR-V module is as many texts as it has specializations and entry points.
    language: "wgsl",
    source: wgsl,
    constants,
    interface: shader,
    ...flagsOf(variant),
    translator,
  };
  return contentAddress(request);
}
