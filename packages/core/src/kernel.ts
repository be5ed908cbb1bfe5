import type { Bindings, Temporary, UniformValue } from "./bindings.js";
import { ComputeError } from "./errors.js";

/** Threads in x, y and z; a number is `[n, 1, 1]`. Rounded up to whole workgroups, so a kernel checks its own bounds. */
export type Threads = number | readonly [x: number, y?: number, z?: number];

/** Workgroups in x, y and z; a number is `[n, 1, 1]`. */
export type Workgroups = number | readonly [x: number, y?: number, z?: number];

/** Shader text in WGSL, or the bytes of a SPIR-V module, as any compiler writes them (a `.spv` file). */
export type ShaderSource =
  | { readonly wgsl: string; readonly spirv?: never }
  | { readonly spirv: Uint8Array | Uint32Array; readonly wgsl?: never };

/** What is compiled: a source, the entry point in it, and values for its pipeline-overridable constants. */
export type Program = ShaderSource & {
  /** Needed only where the source has several compute entry points. */
  readonly entryPoint?: string;
  /** `override` constants (in SPIR-V: specialization constants), by name or by numeric id. */
  readonly constants?: { readonly [nameOrId: string]: number | boolean };
};

/** One dispatch of a kernel. */
export interface Pass {
  /** The name of one of the kernel's programs. */
  readonly program: string;
  /**
   * What the shader's names stand for in this pass: a string names one of the run's bindings or temporaries, anything else is a
   * uniform's value. A name that is not listed stands for the run's binding of the same name.
   */
  readonly bindings?: { readonly [shaderName: string]: string | UniformValue };
  /** By default one thread for each element of the pass's first output, where workgroups are 1-D. */
  readonly threads?: Threads;
  readonly workgroups?: Workgroups;
}

/**
 * A computation over bindings of type `B`: programs, and the passes that run them. Made by `defineKernel`, immutable, tied to no
 * device: one kernel serves every backend.
 */
export interface Kernel<B extends Bindings = Bindings> {
  readonly label: string;
  readonly programs: { readonly [name: string]: Program };
  /** The temporaries that the passes share, for these bindings; like `passes`, it gives the same for the same. */
  temporaries(bindings: B): { readonly [name: string]: Temporary };
  /** The passes, in order, for these bindings; each sees what the ones before it wrote. */
  passes(bindings: B): readonly Pass[];
}

/** A kernel of one program and one dispatch. */
export type KernelDefinition<B extends Bindings> = Program & {
  /** Names the kernel in errors, statistics and GPU tools. */
  readonly label: string;
  /** How many threads to run; by default one for each element of the first output, where workgroups are 1-D. */
  threads?(bindings: B): Threads;
};

/** A kernel of several passes. */
export interface PassesDefinition<B extends Bindings> {
  readonly label: string;
  readonly programs: { readonly [name: string]: Program };
  temporaries?(bindings: B): { readonly [name: string]: Temporary };
  passes(bindings: B): readonly Pass[];
}

/**
 * Defines a kernel. Nothing is compiled, and no device is touched, before `prepare` or `run`.
 * @throws {ComputeError} `invalid-kernel` when no source, or more than one, is given.
 */
export function defineKernel<B extends Bindings = Bindings>(
  definition: KernelDefinition<B> | PassesDefinition<B>,
): Kernel<B> {
  const { label } = definition;
  if (typeof label !== "string" || label === "") {
    throw new ComputeError(
      "invalid-kernel",
      `A kernel needs a label, a string that is not empty; ${show(label)} is given.`,
    );
  }
  if ("programs" in definition) {
    const { temporaries, passes } = definition;
    const names = Object.keys(definition.programs);
    if (names.length === 0)
      throw new ComputeError("invalid-kernel", `Kernel "${label}" has no program; give at least one.`);
    return Object.freeze({
      label,
      programs: Object.freeze(
        Object.fromEntries(names.map((name) => [name, freezeProgram(label, definition.programs[name]!)])),
      ),
      temporaries: (bindings: B) => temporaries?.(bindings) ?? {},
      passes: (bindings: B) => passes(bindings),
    });
  }
  const defaultPasses: readonly Pass[] = [{ program: "main" }];
  const { threads } = definition;
  return Object.freeze({
    label,
    programs: Object.freeze({ main: freezeProgram(label, definition) }),
    temporaries: () => ({}),
    passes: (bindings: B) => (threads ? [{ program: "main", threads: threads(bindings) }] : defaultPasses),
  });
}

function freezeProgram(label: string, { wgsl, spirv, entryPoint, constants }: Program): Program {
  if ((wgsl === undefined) === (spirv === undefined)) {
    const given = wgsl === undefined ? "neither is" : "both are";
    throw new ComputeError(
      "invalid-kernel",
      `Kernel "${label}" needs one source, \`wgsl\` or \`spirv\`; ${given} given.`,
    );
  }
  if (wgsl !== undefined && typeof wgsl !== "string") {
    throw new ComputeError("invalid-kernel", `Kernel "${label}" takes \`wgsl\` as a string; ${show(wgsl)} is given.`);
  }
  if (spirv !== undefined && !(spirv instanceof Uint8Array || spirv instanceof Uint32Array)) {
    throw new ComputeError(
      "invalid-kernel",
      `Kernel "${label}" takes \`spirv\` as a Uint8Array or Uint32Array; ${show(spirv)} is given.`,
    );
  }
  const source = wgsl !== undefined ? { wgsl } : { spirv: copyOf(spirv!) };
  return Object.freeze({
    ...source,
    ...(entryPoint !== undefined && { entryPoint }),
    ...(constants !== undefined && { constants: Object.freeze({ ...constants }) }),
  });
}

/** A kernel whose source changes under it would run what was never hashed. Node's `Buffer` shares its bytes when sliced. */
function copyOf(spirv: Uint8Array | Uint32Array): Uint8Array | Uint32Array {
  return spirv instanceof Uint32Array ? new Uint32Array(spirv) : new Uint8Array(spirv);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : value === null ? "null" : typeof value;
}

/** @throws {ComputeError} `invalid-kernel` when `kernel` was not made by `defineKernel`. */
export function checkKernel(kernel: unknown): void {
  const { label, programs, passes } = (kernel ?? {}) as Partial<Kernel>;
  if (typeof label === "string" && typeof programs === "object" && typeof passes === "function") return;
  throw new ComputeError("invalid-kernel", `A kernel made by defineKernel is expected; ${show(kernel)} is given.`);
}
