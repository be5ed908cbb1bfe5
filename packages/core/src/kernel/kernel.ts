import type { Accepted, Bindings, NoOthers, Seen, Temporary, UniformValue } from "../bindings/bindings.js";
import { checkOptionNames, optionNames } from "../bindings/check-options.js";
import { describeEach, describeValue } from "../bindings/describe-value.js";
import { callOwn } from "../errors/call-own.js";
import { ComputeError } from "../errors/compute-error.js";
import { named, Refusal } from "../errors/refusal.js";
import type { WgslBindings } from "../wgsl-types/wgsl-bindings.js";
import { checkedGrid, type Threads, type Workgroups } from "./dispatch-size.js";

/** Shader text in WGSL, or the bytes of a SPIR-V module, as any compiler writes them (a `.spv` file). */
export type ShaderSource =
  | { readonly wgsl: string; readonly spirv?: never }
  | { readonly spirv: Uint8Array | Uint32Array; readonly wgsl?: never };

/** What is compiled: a source, the entry point in it, and values for its pipeline-overridable constants. */
export type Program = ShaderSource & ProgramOptions;

interface ProgramOptions {
  /** Needed only if the source has several compute entry points. */
  readonly entryPoint?: string;
  readonly constants?: Constants;
  /** The file that the source was read from, for errors that point into it; by default they name the kernel. */
  readonly file?: string;
}

/** One dispatch of a kernel. */
export interface Pass {
  /** The name of one of the kernel's programs. */
  readonly program: string;
  /**
   * What the shader's names stand for in this pass: a string names one of the run's bindings or temporaries, anything
   * else is a uniform's value. A name that is not listed, or is `undefined`, stands for the run's binding of the same
   * name.
   */
  readonly bindings?: { readonly [shaderName: string]: string | UniformValue | undefined };
  /**
   * By default one thread for each element of the pass's outputs, as the shader counts them (an `array<vec4f>` of 4n
   * floats has n). The default needs 1-D workgroups, and output arrays that all have the same number of elements.
   */
  readonly threads?: Threads;
  readonly workgroups?: Workgroups;
}

/** Values of `override` constants (in SPIR-V: specialization constants), by name or by numeric id. */
export type Constants = { readonly [nameOrId: string]: number | boolean };

/** The values to choose from, for each constant that may be tuned; untuned devices run the first. */
export type Tunable = { readonly [constant: string]: readonly number[] };

/**
 * A computation over bindings of type `B`: programs, and the passes that run them. Made by `defineKernel`, immutable
 * and independent of any device: one kernel serves every backend.
 */
export interface Kernel<B extends Bindings = Bindings> {
  readonly label: string;
  readonly programs: { readonly [name: string]: Program };
  /**
   * The constants that a backend chooses for a device and a size; absent if there are none or they are chosen already.
   */
  readonly tunable?: Tunable;
  /** Whether it runs one program, `main`, in one dispatch. The shader's names are then the run's names. */
  readonly isSinglePass: boolean;
  /** What is counted by an array out of which its size is read on the GPU, if a run has asked for that. */
  readonly indirect?: "threads" | "workgroups";
  /**
   * This kernel with other constants in each of its programs; the same object for the same constants. Constants that
   * are not named stay as they are; tunable ones have their first value.
   */
  specialize(constants: Constants): Kernel<B>;
  /**
   * The temporaries that the passes share, for these bindings. Like `passes`, it returns the same for the same
   * bindings.
   */
  temporaries(bindings: B): { readonly [name: string]: Temporary };
  /** The passes, in order, for these bindings; each sees what the ones before it wrote. */
  passes(bindings: B): readonly Pass[];
}

/**
 * What may be bound in a run of `K`. If `K` is a union of kernels: what each of them accepts, and nothing that one of
 * them does not declare.
 */
export type BoundBy<K, B> = (
  K extends Kernel<infer Own>
    ? (bindings: Accepted<Own, B> & NoOthers<Own, B>) => void
    : never
) extends (bindings: infer Each) => void
  ? Each
  : never;

interface CommonDefinition {
  /** Names the kernel in errors, statistics and GPU tools. */
  readonly label: string;
  /**
   * Constants that a backend may choose by itself, most often the workgroup size: `{ workgroup_size: [256, 64, 128] }`.
   * Every program of the kernel must declare them, and every combination must give the same results. The first value of
   * each runs until a better one is known.
   */
  readonly tunable?: Tunable;
}

interface OnePassDefinition<B extends Bindings> extends ProgramOptions, CommonDefinition {
  /**
   * How many threads to run, or a function that returns it, given the bindings and the tunable or specialized
   * constants. By default one for each element of the outputs, as the shader counts them (an `array<vec4f>` of 4n
   * floats has n). The default needs 1-D workgroups, and output arrays that all have the same number of elements.
   */
  readonly threads?: Threads | ((bindings: Seen<B>, constants: Constants) => Threads);
}

/** A kernel of one program and one dispatch. */
export type KernelDefinition<B extends Bindings> = ShaderSource & OnePassDefinition<B>;

/** A kernel of one program and one dispatch whose bindings are typed from its text. */
export interface WgslKernelDefinition<Wgsl extends string> extends OnePassDefinition<WgslBindings<Wgsl>> {
  readonly wgsl: Wgsl;
  readonly spirv?: never;
}

/** A kernel of several passes. Its functions are given the tunable or specialized constants. */
export interface PassesDefinition<B extends Bindings> extends CommonDefinition {
  readonly programs: { readonly [name: string]: Program };
  temporaries?(bindings: Seen<B>, constants: Constants): { readonly [name: string]: Temporary };
  passes(bindings: Seen<B>, constants: Constants): readonly Pass[];
}

const programNames = /* @__PURE__ */ optionNames<{ wgsl: unknown; spirv: unknown } & ProgramOptions>({
  wgsl: true,
  spirv: true,
  entryPoint: true,
  constants: true,
  file: true,
});

const onePassNames = /* @__PURE__ */ new Set([...programNames, "label", "tunable", "threads"]);

const passesNames = /* @__PURE__ */ optionNames<PassesDefinition<Bindings>>({
  label: true,
  tunable: true,
  programs: true,
  temporaries: true,
  passes: true,
});

const passNames = /* @__PURE__ */ optionNames<Pass>({ program: true, bindings: true, threads: true, workgroups: true });

/** @throws {ComputeError} `invalid-kernel` if a kernel's function `passes` returned something that is not a pass. */
export function checkPass(label: string, pass: unknown): void {
  const subject = `A pass of kernel "${label}"`;
  checkOptionNames(subject, pass, passNames, "invalid-kernel");
  const { bindings } = pass as Pass;
  if (bindings === undefined || (typeof bindings === "object" && bindings !== null)) return;
  throw new ComputeError("invalid-kernel", `${subject}: "bindings" must be an object; got ${describeValue(bindings)}.`);
}

/**
 * How many variants a kernel remembers. One that was forgotten is made again, as another object with the same programs.
 */
const maxVariants = 256;

/**
 * Defines a kernel. Nothing is compiled, and no device is touched, before `prepare` or `run`. Its bindings are typed
 * from the WGSL text if that is a literal; `defineKernel<MyBindings>` states them for any source.
 * @throws {ComputeError} `invalid-kernel` if there is no source or more than one, or a member has the wrong type.
 */
export function defineKernel<const Wgsl extends string>(
  definition: WgslKernelDefinition<Wgsl>,
): Kernel<WgslBindings<Wgsl>>;
export function defineKernel<B extends Bindings = Bindings>(
  definition: KernelDefinition<B> | PassesDefinition<B>,
): Kernel<B>;
export function defineKernel(definition: KernelDefinition<Bindings> | PassesDefinition<Bindings>): Kernel {
  const { label } = definition ?? {};
  if (typeof label !== "string" || label === "") {
    throw new ComputeError(
      "invalid-kernel",
      `defineKernel: "label" must be a non-empty string; got ${describeValue(label)}.`,
    );
  }
  const subject = `Kernel "${label}"`;
  // `{ ...kernel, tunable }` makes a kernel from another, which has more members than a definition.
  if (!("specialize" in definition)) {
    const names = "programs" in definition ? passesNames : onePassNames;
    checkOptionNames(`The definition of kernel "${label}"`, definition, names, "invalid-kernel");
  }
  const { programs, tunable, functions } = named(subject, () => ({
    programs: programsOf(definition),
    tunable: tunableOf(definition.tunable),
    functions: functionsOf(definition),
  }));
  const variants = new Map<string, Kernel>();
  const specialize = (constants: Constants, isChosen: boolean): Kernel => {
    const chosen: Constants = { ...firstOf(tunable), ...constants };
    const key = isChosen ? JSON.stringify(Object.entries(chosen).sort()) : "";
    const known = variants.get(key);
    if (known) return known;
    const variant: Kernel = Object.freeze({
      label,
      programs: isChosen ? withConstants(programs, chosen) : programs,
      ...(tunable && !isChosen && { tunable }),
      isSinglePass: !("programs" in definition),
      temporaries: (bindings: Bindings) =>
        named(subject, () => functions.temporaries?.(bindings, chosen) ?? noTemporaries),
      passes: (bindings: Bindings) => named(subject, () => functions.passes(bindings, chosen)),
      specialize: (others: Constants) => specialize({ ...constants, ...others }, true),
    });
    variants.set(key, variant);
    if (variants.size > maxVariants) {
      // The first entry is the kernel itself.
      const [, oldest] = variants.keys();
      variants.delete(oldest!);
    }
    return variant;
  };
  return specialize({}, false);
}

function programsOf<B extends Bindings>(definition: KernelDefinition<B> | PassesDefinition<B>): Kernel["programs"] {
  if (!("programs" in definition)) return Object.freeze({ main: freezeProgram(definition) });
  if (typeof definition.programs !== "object" || definition.programs === null) {
    throw new Refusal("invalid-kernel", `: "programs" must be an object; got ${describeValue(definition.programs)}.`);
  }
  const names = Object.keys(definition.programs);
  if (names.length === 0) {
    throw new Refusal("invalid-kernel", "has no programs; give at least one.");
  }
  for (const name of names) {
    const subject = `Program "${name}" of kernel "${definition.label}"`;
    checkOptionNames(subject, definition.programs[name], programNames, "invalid-kernel");
  }
  return Object.freeze(Object.fromEntries(names.map((name) => [name, freezeProgram(definition.programs[name]!)])));
}

/**
 * The passes of a kernel of one dispatch without `threads`: one object, so that those of two runs need not be compared
 * member by member.
 */
export const onePass: readonly Pass[] = Object.freeze([Object.freeze({ program: "main" })]);
/** The temporaries of a kernel without any; one object, for the same reason. */
export const noTemporaries: ReturnType<Kernel["temporaries"]> = Object.freeze({});

type Functions<B extends Bindings> = Pick<PassesDefinition<B>, "temporaries" | "passes">;

function functionsOf<B extends Bindings>(definition: KernelDefinition<B> | PassesDefinition<B>): Functions<B> {
  if ("programs" in definition) {
    const { temporaries, passes } = definition;
    checkFunction("passes", passes);
    if (temporaries !== undefined) checkFunction("temporaries", temporaries);
    return {
      passes: (bindings, constants) => {
        const given = callOwn("passes", "invalid-kernel", () => passes(bindings, constants));
        if (Array.isArray(given)) return given;
        throw wrongResult("passes", "an array of passes", given);
      },
      ...(temporaries && {
        temporaries: (bindings, constants) => {
          const given = callOwn("temporaries", "invalid-kernel", () => temporaries(bindings, constants));
          if (typeof given === "object" && given !== null) return given;
          throw wrongResult("temporaries", "an object of temporaries", given);
        },
      }),
    };
  }
  const { threads } = definition;
  if (threads === undefined) return { passes: () => onePass };
  if (typeof threads !== "function") {
    const passes = Object.freeze([Object.freeze({ program: "main", threads: checkedGrid("threads", threads) })]);
    return { passes: () => passes };
  }
  return {
    passes: (bindings, constants) => {
      return [{ program: "main", threads: callOwn("threads", "invalid-kernel", () => threads(bindings, constants)) }];
    },
  };
}

function wrongResult(name: string, expected: string, given: unknown): Refusal {
  return new Refusal(
    "invalid-kernel",
    `: its function \`${name}\` must return ${expected}; it returned ${describeValue(given)}.`,
  );
}

function checkFunction(name: string, given: unknown): void {
  if (typeof given === "function") return;
  throw new Refusal("invalid-kernel", `: "${name}" must be a function of the bindings; got ${describeValue(given)}.`);
}

function withConstants(programs: Kernel["programs"], constants: Constants): Kernel["programs"] {
  const specialized = Object.entries(programs).map(([name, program]) => {
    return [name, Object.freeze({ ...program, constants: Object.freeze({ ...program.constants, ...constants }) })];
  });
  return Object.freeze(Object.fromEntries(specialized));
}

function firstOf(tunable: Tunable | undefined): Constants {
  return Object.fromEntries(Object.entries(tunable ?? {}).map(([name, values]) => [name, values[0]!]));
}

/** Copies what the definition gives, because its author may change it. */
function tunableOf(tunable: Tunable | undefined): Tunable | undefined {
  if (tunable === undefined) return undefined;
  const copies: Record<string, readonly number[]> = {};
  for (const [name, values] of Object.entries(tunable)) {
    if (Array.isArray(values) && values.length > 0 && values.every((value) => Number.isFinite(value))) {
      copies[name] = Object.freeze([...values]);
      continue;
    }
    const given = Array.isArray(values) ? describeEach(values) : describeValue(values);
    throw new Refusal("invalid-kernel", `: "tunable.${name}" must be a non-empty array of numbers; got ${given}.`);
  }
  return Object.freeze(copies);
}

function freezeProgram({ wgsl, spirv, entryPoint, constants, file }: Program): Program {
  if ((wgsl === undefined) === (spirv === undefined)) {
    const given = wgsl === undefined ? "neither is" : "both are";
    throw new Refusal("invalid-kernel", `needs one source, \`wgsl\` or \`spirv\`; ${given} given.`);
  }
  if (wgsl !== undefined && typeof wgsl !== "string") {
    throw new Refusal("invalid-kernel", `: "wgsl" must be a string; got ${describeValue(wgsl)}.`);
  }
  if (spirv !== undefined && !["Uint8Array", "Uint32Array"].includes(tagOf(spirv))) {
    throw new Refusal(
      "invalid-kernel",
      `: "spirv" must be a Uint8Array or a Uint32Array; got ${describeValue(spirv)}.`,
    );
  }
  const source = wgsl !== undefined ? { wgsl } : { spirv: copyOf(spirv!) };
  return Object.freeze({
    ...source,
    ...(entryPoint !== undefined && { entryPoint }),
    ...(constants !== undefined && { constants: Object.freeze({ ...constants }) }),
    ...(file !== undefined && { file }),
  });
}

/**
 * Copies a source: one that changed later would run without having been hashed. `slice` would not do, because a slice
 * of Node's `Buffer` shares its bytes.
 */
function copyOf(spirv: Uint8Array | Uint32Array): Uint8Array | Uint32Array {
  return tagOf(spirv) === "Uint32Array" ? new Uint32Array(spirv) : new Uint8Array(spirv);
}

/** The kind of an array, in whichever realm it was made. */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** @throws {ComputeError} `invalid-kernel` if `kernel` was not made by `defineKernel`. */
export function checkKernel(kernel: unknown): void {
  const { label, programs, passes } = (kernel ?? {}) as Partial<Kernel>;
  if (typeof label === "string" && typeof programs === "object" && typeof passes === "function") return;
  throw new ComputeError("invalid-kernel", `Expected a kernel made by defineKernel; got ${describeValue(kernel)}.`);
}
