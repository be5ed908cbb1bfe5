import { type Bindings, type Kernel, Planner, type ProgramVariant, type TraceRecorder, traced } from "@kiln-gpu/core";
import { interfacesOf, type LoadedProgram, loadKernel, translator, variantOf } from "@kiln-gpu/shader";
import { contentAddress, ShaderCache, type ShaderRequest } from "@kiln-gpu/shader-cache";
import { type CompiledProgram, compileProgram, type OpenDevice } from "@kiln-gpu/webgpu";

/** A pipeline that is kept; its layouts carry numbers by which bind groups are kept. */
export interface StoredProgram extends CompiledProgram {
  readonly layoutIds: readonly number[];
}

/** A kernel whose sources are translated, reflected and hashed: done once for each kernel, however often it runs. */
export interface LoadedKernel {
  readonly label: string;
  readonly planner: Planner<Bindings>;
  readonly programs: { readonly [program: string]: LoadedProgram };
  /** Content addresses, by variant and program. */
  readonly addresses: ReadonlyMap<string, string>;
}

const variantKey = ({ program, split, immediate }: ProgramVariant) => `${split} ${immediate} ${program}`;

/**
 * Kernels to pipelines, each compiled once for each device.
 *
 * Invariant: only the cache holds pipelines. A loaded kernel holds their addresses, so that the cache's bound is the bound.
 */
export class ProgramStore {
  readonly #open: OpenDevice;
  readonly #recorder: TraceRecorder | undefined;
  readonly #cache: ShaderCache<StoredProgram>;
  readonly #loaded = new WeakMap<object, LoadedKernel>();
  readonly #loading = new WeakMap<object, Promise<LoadedKernel>>();
  #lastLayoutId = 0;

  constructor(open: OpenDevice, maxPipelines: number, recorder: TraceRecorder | undefined) {
    this.#open = open;
    this.#recorder = recorder;
    this.#cache = new ShaderCache({ maxEntries: maxPipelines });
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
  peekPipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): StoredProgram[] | undefined {
    const found: StoredProgram[] = [];
    for (const want of wanted) {
      const program = this.#cache.peek(kernel.addresses.get(variantKey(want))!);
      if (!program) return undefined;
      found.push(program);
    }
    return found;
  }

  /**
   * The pipelines of all that is wanted, in its order; what is not compiled yet is, once.
   * @throws {ComputeError} What `compileProgram` throws.
   */
  pipelines(kernel: LoadedKernel, wanted: readonly ProgramVariant[]): Promise<StoredProgram[]> {
    return Promise.all(
      wanted.map((want) => this.#cache.get(kernel.addresses.get(variantKey(want))!, () => this.#compile(kernel, want))),
    );
  }

  stats() {
    return this.#cache.stats();
  }

  clear(): void {
    this.#cache.clear();
  }

  async #load<B extends Bindings>(kernel: Kernel<B>): Promise<LoadedKernel> {
    const programs = await loadKernel(kernel);
    const addresses = new Map<string, string>();
    for (const [program, loaded] of Object.entries(programs)) {
      for (const split of [false, true]) {
        for (const immediate of loaded.interface.bindings.some(({ isImmediate }) => isImmediate)
          ? [false, true]
          : [false]) {
          const variant = { program, split, immediate };
          addresses.set(variantKey(variant), await contentAddress(requestOf(loaded, variant)));
        }
      }
    }
    const planner = new Planner(kernel, interfacesOf(programs), this.#open.info.limits) as unknown as Planner<Bindings>;
    const loaded = { label: kernel.label, planner, programs, addresses };
    this.#loaded.set(kernel, loaded);
    return loaded;
  }

  async #compile(kernel: LoadedKernel, variant: ProgramVariant): Promise<StoredProgram> {
    const loaded = kernel.programs[variant.program]!;
    const { split, immediate } = variant;
    const compiled = await traced(this.#recorder, `The compilation of kernel "${kernel.label}"`, () =>
      compileProgram(this.#open, {
        ...loaded,
        label: `Kernel "${kernel.label}"`,
        wgsl: variantOf(loaded, variant),
        split,
        immediate,
      }),
    );
    return { ...compiled, layoutIds: compiled.bindGroupLayouts.map(() => ++this.#lastLayoutId) };
  }
}

function requestOf(
  { wgsl, constants, interface: shader }: LoadedProgram,
  { split, immediate }: ProgramVariant,
): ShaderRequest {
  return {
    // What the device compiles: one SPIR-V module is as many texts as it has specializations and entry points.
    language: "wgsl",
    source: wgsl,
    entryPoint: shader.entryPoint,
    constants,
    layout: shader.bindings
      .filter(({ isImmediate }) => !(isImmediate && immediate))
      .map(({ group, binding, kind, access }) => ({
        group,
        binding,
        type: kind === "uniform" ? "uniform" : access === "read" ? "read-only-storage" : "storage",
      })),
    variant: split ? "split" : "whole",
    translator,
  };
}
