/**
 * Joins the plans of a recording's runs into one. A parameter or a resident array is one resource wherever it is bound.
 */

import { roleOf } from "../bindings/binding-role.js";
import type { BindingValue, Output, Staged, TypedArray } from "../bindings/bindings.js";
import { adviseArray, describeValue, withArticle } from "../bindings/describe-value.js";
import { isRole } from "../bindings/is-role.js";
import { arrayTypeOf } from "../bindings/typed-arrays.js";
import type { Parameters, Reference } from "../contract/sequence.js";
import { named, Refusal } from "../errors/refusal.js";
import { typeName } from "../shader/shader-interface.js";
import { checkIntos } from "./check-binding.js";
import { checkBorrowed } from "./check-borrowed.js";
import { checkCounts } from "./counted-results.js";
import { fillResource } from "./fill-resource.js";
import type { RecordedRun } from "./record-runs.js";
import type { PlannedDispatch, PlannedResource, RunPlan } from "./run-plan.js";

export interface PlannedSequence {
  readonly plan: RunPlan;
  /** The resources whose bytes are the same in every replay: only read, and bound to no parameter. */
  readonly constants: readonly number[];
}

/**
 * @param plans One for each of `runs`, in order.
 * @throws {ComputeError} `invalid-binding` if a run has nothing to compute, or a parameter's value would have to be
 *   packed in two ways.
 */
export function planSequence(label: string, runs: readonly RecordedRun[], plans: readonly RunPlan[]): PlannedSequence {
  return named(`Sequence "${label}"`, () => joined(label, runs, plans));
}

function joined(label: string, runs: readonly RecordedRun[], plans: readonly RunPlan[]): PlannedSequence {
  const resources: PlannedResource[] = [];
  const dispatches: PlannedDispatch[] = [];
  const constants: number[] = [];
  const bound = new Map<string, number>();
  const residents = new Map<object, number>();
  for (const [i, plan] of plans.entries()) {
    const { references, kernel } = runs[i]!;
    if (plan.isEmpty) {
      const message = `runs kernel "${kernel.label}" with empty results only; there is nothing to compute.`;
      throw new Refusal("invalid-binding", message);
    }
    const parameterOf = new Map<number, Reference>();
    for (const name in references) {
      const resource = plan.bound.get(name);
      if (resource !== undefined) parameterOf.set(resource, references[name]!);
    }
    const indices = plan.resources.map((resource, at) => {
      const parameter = parameterOf.get(at);
      const existing = parameter ? bound.get(parameter.name) : residents.get(resource.resident ?? plan);
      const planned = parameter ? parameterResource(resource, parameter) : resource;
      if (existing !== undefined) {
        resources[existing] = merged(resources[existing]!, planned);
        return existing;
      }
      const index = resources.push(planned) - 1;
      if (parameter) bound.set(parameter.name, index);
      else if (resource.resident) residents.set(resource.resident, index);
      else if (resource.data && resource.access === "read" && !resource.isImmediate) constants.push(index);
      return index;
    });
    for (const dispatch of plan.dispatches) {
      const entries = dispatch.entries.map((entry) => ({ ...entry, resource: indices[entry.resource]! }));
      checkAliases(kernel.label, dispatch, plan, indices, resources);
      const immediates = dispatch.immediates === undefined ? {} : { immediates: indices[dispatch.immediates]! };
      const indirect = dispatch.indirect === undefined ? {} : { indirect: indices[dispatch.indirect]! };
      dispatches.push({ ...dispatch, entries, ...immediates, ...indirect });
    }
  }
  checkCounts(resources, bound);
  return { plan: { label, resources, dispatches, isEmpty: false, bound, shape: {} }, constants };
}

/**
 * One parameter under two names is one piece of memory: WebGPU refuses a dispatch that writes it and binds it again.
 */
function checkAliases(
  kernel: string,
  { entries }: PlannedDispatch,
  plan: RunPlan,
  indices: readonly number[],
  resources: readonly PlannedResource[],
): void {
  for (const [i, { resource: a }] of entries.entries()) {
    for (const { resource: b } of entries.slice(i + 1)) {
      if (indices[a] !== indices[b]) continue;
      if (plan.resources[a]!.access !== "read-write" && plan.resources[b]!.access !== "read-write") continue;
      const { name, resident } = resources[indices[a]!]!;
      throw new Refusal(
        "invalid-binding",
        `binds ${resident ? describeValue(resident) : `"${name}"`} twice in a pass of kernel ` +
          `"${kernel}" that writes it; a pass can bind only once what it writes.`,
      );
    }
  }
}

function parameterResource({ result, ...resource }: PlannedResource, { name, value }: Reference): PlannedResource {
  if (!result || roleOf(value) === "temporary") return { ...resource, name };
  const { countedBy } = value as Output;
  return { ...resource, name, result: { ...result, countedBy } };
}

function merged(a: PlannedResource, b: PlannedResource): PlannedResource {
  if (JSON.stringify(a.packedAs) !== JSON.stringify(b.packedAs)) {
    const types = [a, b].map(({ packedAs }) => (packedAs ? typeName(packedAs) : "an array"));
    throw new Refusal(
      "invalid-binding",
      `binds its parameter "${a.name}" as ${types[0]} and as ${types[1]}; ` +
        "a value is packed for one type, so give each its own parameter.",
    );
  }
  // One run may set as an immediate what another binds, or declare what only another uses.
  const isImmediate = a.isImmediate === true || b.isImmediate === true;
  const [used, other] = a.byteLength > 0 || (b.byteLength === 0 && a.data) ? [a, b] : [b, a];
  const access = other.byteLength === 0 || used.access === other.access ? used.access : "mixed";
  if (isImmediate && access !== "read") {
    throw new Refusal(
      "invalid-binding",
      `binds its parameter "${a.name}" as an immediate and writes it, which the immediate would not ` +
        "see; give each its own parameter.",
    );
  }
  return { ...used, access, ...(isImmediate && { isImmediate }) };
}

/** The values that a sequence was recorded with. Their arrays belong to the caller, who may change or transfer them. */
export interface RecordedParameters {
  readonly values: Parameters;
  /** The values' shapes at that time. */
  readonly shapes: ReadonlyMap<string, string>;
}

export function recordedParameters(values: Parameters): RecordedParameters {
  const shapes = Object.entries(values).map(([name, value]) => [name, shapeOf(value as BindingValue)] as const);
  return { values, shapes: new Map(shapes) };
}

/**
 * `plan` with what `parameters` hold now.
 * @throws {ComputeError} `invalid-binding` if one does not have the type and length it was recorded with.
 */
export function withParameters(plan: RunPlan, recorded: RecordedParameters, parameters: Parameters): RunPlan {
  const subject = `Sequence "${plan.label}"`;
  return named(subject, () => filled(subject, plan, recorded, parameters));
}

function filled(subject: string, plan: RunPlan, recorded: RecordedParameters, parameters: Parameters): RunPlan {
  checkIntos(parameters as { readonly [name: string]: BindingValue });
  const resources = plan.resources.slice();
  for (const [name, index] of plan.bound) {
    const value = parameters[name] as BindingValue;
    const resource = resources[index]!;
    if (isRole(value, "staged")) {
      resources[index] = stagedResource(name, resource, recorded.shapes.get(name)!, value);
      continue;
    }
    if (value !== recorded.values[name]) checkShape(name, recorded.shapes.get(name)!, value);
    // An immediate is copied here; if it were shorter, the dispatch would see bytes that an earlier one has set.
    const data = isRole(value, "bytes") ? value.data : value;
    if (resource.isImmediate && ArrayBuffer.isView(data)) {
      const byteLength = resource.byteLength || resource.data!.byteLength;
      checkBorrowed(() => subject, { name, data, byteLength });
    }
    resources[index] = fillResource(name, resource, value);
  }
  return { ...plan, resources };
}

/** `resource` with `staged` in place of its data. */
function stagedResource(name: string, resource: PlannedResource, expected: string, staged: Staged): PlannedResource {
  if (expected !== `${withArticle(String(staged.type?.name))} of ${staged.length}`) checkShape(name, expected, staged);
  if (resource.isImmediate) {
    throw new Refusal(
      "invalid-binding",
      `is given staged memory as "${name}", which is set while its dispatches are recorded; give an array.`,
    );
  }
  return { ...resource, data: undefined, staged };
}

function checkShape(name: string, expected: string, given: BindingValue): void {
  const actual = shapeOf(given);
  if (expected === actual) return;
  const isPlain = actual === "a value";
  const advice = isPlain && expected !== actual ? adviseArray(given, /\w+Array\b/.exec(expected)?.[0]) : "";
  const got = isPlain ? describeValue(given) : actual;
  throw new Refusal("invalid-binding", `takes ${expected} as "${name}"; got ${got}.${advice}`);
}

/** The shape of `value` in words for an error; equal if one value may replace the other. */
function shapeOf(value: BindingValue): string {
  if (ArrayBuffer.isView(value))
    return `${withArticle(arrayTypeOf(value as TypedArray).name)} of ${(value as TypedArray).length}`;
  if (value === undefined) return "undefined";
  if (typeof value !== "object" || value === null) return "a value";
  const role = roleOf(value);
  const { type, length } = value as Partial<Output>;
  if (isRole(value, "inout")) return `an inout ${arrayTypeOf(value.data).name} of ${value.length}`;
  if (role === "bytes") return `bytes, ${length} of them`;
  if (role === undefined) return "a value";
  const counted = isRole(value, "output") && value.countedBy !== undefined ? `, counted by "${value.countedBy}"` : "";
  return `${role === "output" ? "an" : "a"} ${role} ${type?.name} of ${length}${counted}`;
}
