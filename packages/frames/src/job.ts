/** Jobs: what a client asks a server to do. */
import type { Bindings, Kernel, Pass, Temporary } from "@kiln-gpu/core";
import type { DispatchSize, TakenRun } from "@kiln-gpu/core/backend";
import { decodeError, encodeError } from "./errors.js";
import { decodeFrame, encodeFrame, invalidFrame } from "./frame.js";
import type { EncodedPrograms } from "./programs.js";
import { type Json, setOwn, textOf, ValueReader, ValueWriter } from "./values.js";

/** How a server is to run a job. */
export interface JobOptions {
  readonly profile?: boolean;
  /** Whether the caller may take the job back. */
  readonly mayLeave?: boolean;
  /**
   * What is left of the caller's time when the job is sent, in milliseconds.
   * @default Infinity
   */
  readonly timeoutMs?: number;
}

/** A run as it was when it was called, ready to be sent under any id. */
export interface EncodedRun {
  /** What its caller bound and computed, but not its programs and options. */
  readonly header: { readonly [name: string]: Json };
  readonly arrays: readonly Uint8Array[];
  /** The error of the kernel's own functions, which the server reports if the run has no mistake that comes first. */
  readonly failure: unknown;
}

/** Evaluates the kernel's functions, and encodes what the run binds. The elements of arrays are not copied. */
export function encodeRun({ kernel, bindings, size }: TakenRun): EncodedRun {
  const writer = new ValueWriter();
  let asked: { readonly [name: string]: Json };
  let failure: unknown;
  try {
    asked = {
      temporaries: writer.write({ ...kernel.temporaries(bindings) }),
      passes: writer.write(kernel.passes(bindings)),
    };
  } catch (error) {
    failure = error;
    asked = { failure: encodeError(error) };
  }
  const { label, isSinglePass } = kernel;
  const header = {
    kind: "run",
    label,
    isSinglePass,
    ...asked,
    size: writer.write(size),
    bindings: Object.entries(bindings).map(([name, value]) => [name, writer.write(value)]),
  };
  return { header, arrays: writer.arrays, failure };
}

/** The parts of a run's job. */
export function runJob({ header, arrays }: EncodedRun, { hashes }: EncodedPrograms, options: JobOptions): Uint8Array[] {
  return encodeFrame({ header: { ...header, programs: hashes, options }, arrays });
}

/** The parts of a job that prepares a kernel. */
export function prepareJob({ label, isSinglePass }: Kernel, { hashes }: EncodedPrograms): Uint8Array[] {
  return encodeFrame({ header: { kind: "prepare", label, isSinglePass, programs: hashes }, arrays: [] });
}

/** A job as a server reads it. */
export interface DecodedJob {
  readonly kind: "run" | "prepare";
  readonly label: string;
  readonly isSinglePass: boolean;
  readonly programs: readonly (readonly [name: string, hash: string])[];
  readonly bindings: Bindings;
  readonly size: DispatchSize;
  readonly options: JobOptions;
  readonly evaluated: Evaluated;
}

/** What the kernel's functions returned for a run, or the error that they threw. */
export interface Evaluated {
  readonly temporaries: { readonly [name: string]: Temporary };
  readonly passes: readonly Pass[];
  readonly failure?: unknown;
}

/** @throws {ComputeError} `invalid-frame`. */
export function decodeJob(parts: readonly Uint8Array[]): DecodedJob {
  const { header, arrays } = decodeFrame(parts);
  const given = (header ?? {}) as { readonly [name: string]: unknown };
  const { kind } = given;
  if (kind !== "run" && kind !== "prepare") throw invalidFrame("holds no job");
  const programs = pairsOf(given.programs).map(([name, hash]) => [name, hashOf(hash)] as const);
  if (programs.length === 0) throw invalidFrame("holds a kernel without programs");
  const kernel = { label: textOf(given.label), isSinglePass: given.isSinglePass === true, programs };
  if (kind === "prepare") {
    const evaluated = { temporaries: {}, passes: [] };
    return { kind, ...kernel, bindings: {}, size: {}, options: {}, evaluated };
  }
  const reader = new ValueReader(arrays);
  const bindings: { [name: string]: Bindings[string] } = {};
  for (const [name, value] of pairsOf(given.bindings)) setOwn(bindings, name, reader.read(value) as Bindings[string]);
  return {
    kind,
    ...kernel,
    bindings,
    size: objectOf(reader.read(given.size)),
    options: optionsOf(given.options),
    evaluated:
      given.failure === undefined
        ? { temporaries: objectOf(reader.read(given.temporaries)), passes: listOf(reader.read(given.passes)) as Pass[] }
        : { temporaries: {}, passes: [], failure: decodeError(given.failure) },
  };
}

function optionsOf(json: unknown): JobOptions {
  const { profile, mayLeave, timeoutMs } = objectOf(json) as { readonly [name: string]: unknown };
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw invalidFrame("has a timeout that is not a number above 0");
  }
  return {
    ...(profile === true && { profile }),
    ...(mayLeave === true && { mayLeave }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function pairsOf(json: unknown): (readonly [name: string, value: unknown])[] {
  return listOf(json).map((pair) => {
    const [name, value] = listOf(pair);
    return [textOf(name), value];
  });
}

function hashOf(json: unknown): string {
  if (typeof json === "string" && /^[0-9a-f]{64}$/.test(json)) return json;
  throw invalidFrame("names a program by something else than its SHA-256");
}

export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidFrame("lacks a list");
}

export function objectOf(value: unknown): { readonly [name: string]: never } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as never;
  throw invalidFrame("lacks an object");
}
