import {
  type Bindings,
  type ComputeBackend,
  ComputeError,
  type Kernel,
  type Program,
  type RunOptions,
} from "@kiln-gpu/core";
import { type DecodedJob, decodeJob, type Evaluated } from "./job.js";
import { decodeProgram, hashProgram } from "./programs.js";
import { askedResults, encodeFailure, encodeResults } from "./results.js";

/** What a server allows. */
export interface ServerLimits {
  /** The bytes of a job as it is sent, and of its results, together. */
  readonly maxJobBytes: number;
  /** How long a job may run, unless it asks for less. */
  readonly maxRunMs: number;
  /** How many programs are kept; one that is dropped is asked for again. */
  readonly maxPrograms: number;
  /** The hashes of the programs that may run, as `programHashes` has them; all by default. */
  readonly allowedPrograms: ReadonlySet<string> | undefined;
}

const defaultLimits: ServerLimits = {
  maxJobBytes: Number.POSITIVE_INFINITY,
  maxRunMs: Number.POSITIVE_INFINITY,
  maxPrograms: 1024,
  allowedPrograms: undefined,
};

/** A job as a transport delivers it. */
export interface IncomingJob {
  readonly parts: readonly Uint8Array[];
  /** Finds an encoded program by its hash. Called once for each program that this server does not have. */
  readonly findProgram: (hash: string) => Promise<Uint8Array> | Uint8Array;
  /** Aborts the job. */
  readonly signal?: AbortSignal | undefined;
}

/** The key of what a run's own kernel functions returned, beside its bindings. Backends copy it with them. */
const evaluatedKey = Symbol("evaluated");
type JobBindings = Bindings & { readonly [evaluatedKey]?: Evaluated };

/** Runs the jobs of clients on a backend. The backend belongs to the caller, who disposes it. */
export class JobServer {
  readonly #backend: ComputeBackend;
  readonly #limits: ServerLimits;
  /** The latest used last. */
  readonly #programs = new Map<string, Program | Promise<Program>>();
  readonly #kernels = new Map<string, Kernel>();

  constructor(backend: ComputeBackend, limits: Partial<ServerLimits> = {}) {
    this.#backend = backend;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Runs a job, and resolves with the parts to send back: its results, or its error. It never rejects. */
  async run(job: IncomingJob): Promise<Uint8Array[]> {
    try {
      const decoded = decodeJob(job.parts);
      this.#checkSize(decoded, job.parts);
      const kernel = this.#knownKernel(decoded) ?? (await this.#loadKernel(decoded, job));
      if (decoded.kind === "prepare") {
        await this.#backend.prepare(kernel, job.signal ? { signal: job.signal } : {});
        return encodeResults({}, {});
      }
      Object.assign(decoded.bindings, { [evaluatedKey]: decoded.evaluated });
      const results = await this.#backend.run(kernel, decoded.bindings, this.#optionsOf(decoded, job));
      const { profile } = results as { readonly profile?: never };
      return encodeResults(decoded.bindings, results, decoded.options.profile ? profile : undefined);
    } catch (error) {
      return encodeFailure(error);
    }
  }

  #optionsOf({ size, options }: DecodedJob, job: IncomingJob): RunOptions {
    const timeoutMs = Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, this.#limits.maxRunMs);
    return {
      ...size,
      ...(options.profile && { profile: true }),
      ...(timeoutMs !== Number.POSITIVE_INFINITY && { timeoutMs }),
      // A signal that is never aborted would still cost each run a listener.
      ...(options.mayLeave && job.signal && { signal: job.signal }),
    };
  }

  #checkSize({ label, bindings }: DecodedJob, parts: readonly Uint8Array[]): void {
    const { maxJobBytes } = this.#limits;
    if (maxJobBytes === Number.POSITIVE_INFINITY) return;
    const inputs = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const bytes = askedResults(bindings).reduce(
      (sum, { length, type }) => sum + length * type.BYTES_PER_ELEMENT,
      inputs,
    );
    // Lengths that are no numbers are refused by the backend.
    if (!(bytes > maxJobBytes)) return;
    throw new ComputeError(
      "limit-exceeded",
      `The run of kernel "${label}" has ${bytes} bytes of inputs and results; this server allows ${maxJobBytes}.`,
    );
  }

  #knownKernel(job: DecodedJob): Kernel | undefined {
    const key = keyOf(job);
    const kernel = this.#kernels.get(key);
    if (kernel) touch(this.#kernels, key, kernel);
    return kernel;
  }

  /** A backend knows a kernel by its identity, so equal kernels of all jobs are one object. */
  async #loadKernel(job: DecodedJob, { findProgram }: IncomingJob): Promise<Kernel> {
    const programs: [name: string, program: Program][] = [];
    for (const [name, hash] of job.programs) programs.push([name, await this.#program(hash, job.label, findProgram)]);
    // Another job may have loaded it meanwhile.
    const known = this.#knownKernel(job);
    if (known) return known;
    const kernel = kernelOf(job, Object.freeze(Object.fromEntries(programs)));
    touch(this.#kernels, keyOf(job), kernel);
    trim(this.#kernels, this.#limits.maxPrograms);
    return kernel;
  }

  async #program(hash: string, label: string, find: IncomingJob["findProgram"]): Promise<Program> {
    const { allowedPrograms, maxPrograms } = this.#limits;
    if (allowedPrograms && !allowedPrograms.has(hash)) {
      throw new ComputeError(
        "unsupported-shader",
        `Kernel "${label}" has the program ${hash}, which is not among those that this server allows.`,
      );
    }
    let program = this.#programs.get(hash);
    if (!program) {
      program = this.#load(hash, label, find);
      // What could not be loaded is asked for again.
      program.catch(() => this.#programs.delete(hash));
    }
    touch(this.#programs, hash, program);
    trim(this.#programs, maxPrograms);
    return program;
  }

  async #load(hash: string, label: string, find: IncomingJob["findProgram"]): Promise<Program> {
    const encoded = await find(hash);
    const found = await hashProgram(encoded);
    if (found === hash) return decodeProgram(encoded);
    throw new ComputeError(
      "invalid-frame",
      `Kernel "${label}" names the program ${hash}; the bytes that came for it have the hash ${found}.`,
    );
  }
}

/** A kernel whose functions return what the client's functions returned, for each run. */
function kernelOf({ label, isSinglePass }: DecodedJob, programs: Kernel["programs"]): Kernel {
  const evaluated = (bindings: JobBindings): Evaluated => {
    const own = bindings[evaluatedKey]!;
    if (own.failure) throw own.failure;
    return own;
  };
  const kernel: Kernel = Object.freeze({
    label,
    programs,
    isSinglePass,
    temporaries: (bindings: Bindings) => evaluated(bindings).temporaries,
    passes: (bindings: Bindings) => evaluated(bindings).passes,
    specialize: () => kernel,
  });
  return kernel;
}

function keyOf({ label, isSinglePass, programs }: DecodedJob): string {
  return JSON.stringify([label, isSinglePass, programs]);
}

/** Makes an entry the latest. */
function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

function trim(map: Map<string, unknown>, maxSize: number): void {
  for (const key of map.keys()) {
    if (map.size <= maxSize) return;
    map.delete(key);
  }
}
