/** Results on their way from the server to the caller. */
import type { Bindings, Inout, Lease, Output, RunProfile, TypedArray, TypedArrayConstructor } from "@kiln-gpu/core";
import { arrayTypeOf, bytesOf, collectResults, type PlannedResource, roleOf } from "@kiln-gpu/core/backend";
import { decodeError, encodeError } from "./errors.js";
import { decodeFrame, encodeFrame, invalidFrame } from "./frame.js";
import { listOf, objectOf } from "./job.js";
import { textOf, viewOf } from "./values.js";

/** What came back for a job. */
export interface DecodedResults {
  /** The bytes of each result, and the name of the type of its elements, by the result's name. */
  readonly byName: ReadonlyMap<string, { readonly type: string; readonly bytes: Uint8Array }>;
  readonly profile?: RunProfile;
}

/** The parts that answer a job which was run. Leases are read and given back. */
export function encodeResults(
  bindings: Bindings,
  results: { readonly [name: string]: unknown },
  profile?: RunProfile,
): Uint8Array[] {
  const arrays: Uint8Array[] = [];
  const names: [name: string, type: string][] = [];
  for (const [name, value] of Object.entries(bindings)) {
    if (!isResult(value)) continue;
    const result = results[name] as TypedArray | Lease;
    const isLease = !ArrayBuffer.isView(result);
    const data = isLease ? result.data : result;
    names.push([name, arrayTypeOf(data).name]);
    arrays.push(isLease ? bytesOf(data).slice() : bytesOf(data));
    if (isLease) result.release();
  }
  return encodeFrame({ header: { kind: "results", names, ...(profile && { profile }) }, arrays });
}

/** The parts that answer a job which failed. */
export function encodeFailure(error: unknown): Uint8Array[] {
  return encodeFrame({ header: { kind: "error", error: encodeError(error) }, arrays: [] });
}

/**
 * Reads what came back for a job.
 * @throws {ComputeError} The error that came back, whatever its code; `invalid-frame`.
 */
export function decodeResults(parts: readonly Uint8Array[]): DecodedResults {
  const { header, arrays } = decodeFrame(parts);
  const { kind, error, names, profile } = (header ?? {}) as { readonly [name: string]: unknown };
  if (kind === "error") throw decodeError(error);
  if (kind !== "results") throw invalidFrame("holds no results");
  const byName = new Map<string, { type: string; bytes: Uint8Array }>();
  for (const [i, pair] of listOf(names).entries()) {
    const [name, type] = listOf(pair);
    const bytes = arrays[i];
    if (!bytes) throw invalidFrame(`has ${arrays.length} arrays for ${listOf(names).length} results`);
    byName.set(textOf(name), { type: textOf(type), bytes });
  }
  return { byName, ...(profile !== undefined && { profile: profileOf(profile) }) };
}

const times = [
  "initMs",
  "pipelineMs",
  "descriptorsMs",
  "uploadMs",
  "recordingMs",
  "computeMs",
  "downloadMs",
  "totalMs",
] as const satisfies readonly (keyof RunProfile)[];

function profileOf(json: unknown): RunProfile {
  const given = objectOf(json) as { readonly [name: string]: unknown };
  const timeOf = (name: string): number => {
    const time = given[name];
    if (typeof time === "number") return time;
    throw invalidFrame(`has a profile without "${name}"`);
  };
  const profile = Object.fromEntries(times.map((name) => [name, timeOf(name)])) as unknown as RunProfile;
  return given.gpuTimeNs === undefined ? profile : { ...profile, gpuTimeNs: timeOf("gpuTimeNs") };
}

/** A result that a run asks for, as it was at the call. */
export interface AskedResult {
  readonly name: string;
  readonly type: TypedArrayConstructor;
  readonly length: number;
  readonly into: TypedArray | undefined;
  readonly isLeased: boolean;
  /** Whether the kernel counts its elements, and `length` is the most. */
  readonly isCounted: boolean;
}

/** The results that a run asks for. What is not valid among its bindings is left to the server to refuse. */
export function askedResults(bindings: Bindings): AskedResult[] {
  const asked: AskedResult[] = [];
  for (const [name, value] of Object.entries(bindings)) {
    if (!isResult(value)) continue;
    const { data, into } = value as Inout;
    if (roleOf(value) !== "inout") {
      const { type, length, countedBy } = value as Output;
      const isCounted = countedBy !== undefined;
      asked.push({ name, type, length, into, isLeased: roleOf(value) === "lease", isCounted });
    } else if (ArrayBuffer.isView(data)) {
      asked.push({ name, type: arrayTypeOf(data), length: data.length, into, isLeased: false, isCounted: false });
    }
  }
  return asked;
}

/**
 * The results of a run as its caller asked for them: in the arrays of `into`, as leases, or as new arrays. An array
 * that came in memory of its own is not copied.
 * @param leaseOf Makes a lease on memory of its own.
 * @throws {ComputeError} `invalid-frame` if they are not what was asked for; `invalid-binding` if a caller's array was
 *   transferred or resized meanwhile.
 */
export function bindResults(
  asked: readonly AskedResult[],
  { byName }: DecodedResults,
  leaseOf: (name: string, data: TypedArray) => Lease,
): { [name: string]: TypedArray | Lease } {
  const bytes: Uint8Array[] = [];
  const resources = asked.map(({ name, type, length: most, into: given, isCounted }): PlannedResource => {
    const result = byName.get(name);
    const counted = (result?.bytes.byteLength ?? 0) / type.BYTES_PER_ELEMENT;
    const length = isCounted && Number.isInteger(counted) && counted < most ? counted : most;
    // Every typed array has `subarray`.
    const into = given && length < most ? (given as Uint32Array).subarray(0, length) : given;
    const byteLength = length * type.BYTES_PER_ELEMENT;
    if (result?.bytes.byteLength !== byteLength) {
      throw invalidFrame(`has ${result?.bytes.byteLength ?? "no"} bytes for the result "${name}" of ${byteLength}`);
    }
    const isOwn = result.bytes.byteLength === result.bytes.buffer.byteLength;
    bytes.push(isOwn || into ? result.bytes : new Uint8Array(result.bytes));
    // What is leased is not copied.
    return { name, byteLength, access: "read-write", result: { type, length, into, isLeased: !into } };
  });
  const plan = { label: "", resources, dispatches: [], isEmpty: false, bound: new Map(), shape: {} };
  const findBytes = (i: number) => ({ memory: bytes[i]!.buffer as ArrayBuffer, offset: bytes[i]!.byteOffset });
  const leased = new Set(asked.filter(({ isLeased }) => isLeased).map(({ name }) => name));
  return collectResults(plan, findBytes, (name, data) => {
    return leased.has(name) ? leaseOf(name, data) : (data as unknown as Lease);
  });
}

/**
 * Results as arrays of the types that the server made, for a process that does not know what the run bound.
 * @throws {ComputeError} `invalid-frame`.
 */
export function resultArrays({ byName }: DecodedResults): { [name: string]: TypedArray } {
  return Object.fromEntries([...byName].map(([name, { type, bytes }]) => [name, viewOf(type, bytes) as TypedArray]));
}

function isResult(value: unknown): boolean {
  const role = roleOf(value);
  return role === "output" || role === "lease" || role === "inout";
}
