/**
 * Checks a run: bindings against what the shaders declare, sizes against what the device can hold. It happens once,
 * here; backends execute the plan that comes out and check nothing again.
 */

import type { Bindings, BindingValue } from "../bindings/bindings.js";
import { isRole, ownValue } from "../bindings/is-role.js";
import { arrayTypeOf } from "../bindings/typed-arrays.js";
import type { DeviceLimits } from "../contract/compute-backend.js";
import { named, Refusal } from "../errors/refusal.js";
import type { DispatchSize } from "../kernel/dispatch-size.js";
import { checkedGrid } from "../kernel/dispatch-size.js";
import { type IndirectWord, indirectArguments, sizePass } from "../kernel/indirect-kernel.js";
import { checkPass, type Kernel, type Pass } from "../kernel/kernel.js";
import type { BindingInfo, ShaderInterface } from "../shader/shader-interface.js";
import { checkEmptiness, checkIntos } from "./check-binding.js";
import { checkCounts } from "./counted-results.js";
import { countWorkgroups, gridOf, splitGrid } from "./dispatch.js";
import type { PlannedDispatch, PlannedResource, PlannedResult, RunPlan } from "./run-plan.js";
import { RunResources } from "./run-resources.js";

export interface PlanRequest<B extends Bindings> {
  readonly kernel: Kernel<B>;
  /** The interface of each of the kernel's programs, by the program's name. */
  readonly interfaces: { readonly [program: string]: ShaderInterface };
  readonly bindings: B;
  /** The run's own size, in place of the kernel's. */
  readonly size?: DispatchSize | undefined;
  readonly limits: DeviceLimits;
}

/**
 * Plans one run.
 * @throws {ComputeError} `invalid-binding`, `invalid-kernel` or `limit-exceeded`, naming what was given and what is
 *   expected.
 */
export function planRun<B extends Bindings>(request: PlanRequest<B>): RunPlan {
  return named(`Kernel "${request.kernel.label}"`, () => plan(request));
}

function plan<B extends Bindings>({ kernel, interfaces, bindings, size, limits }: PlanRequest<B>): RunPlan {
  const resources = new RunResources(bindings, limits);
  if (checkEmptiness(bindings, () => writtenNames(interfaces)) === "all-empty") {
    return emptyPlan(kernel.label, bindings);
  }

  if (kernel.isSinglePass) resources.checkGiven(interfaces.main!);
  resources.addTemporaries(kernel.temporaries(bindings));
  const { indirect } = kernel;
  const own = kernel.passes(bindings);
  const passes = indirect ? [sizePassOf(indirect, interfaces.main!, limits), ...own] : own;
  if (passes.length === 0) {
    throw new Refusal("invalid-kernel", "has no passes for these bindings; it needs at least one.");
  }
  if (size) checkSize(size, passes.length);
  const dispatches: PlannedDispatch[] = [];
  for (const pass of passes) {
    checkPass(kernel.label, pass);
    const shader = ownValue(interfaces, pass.program);
    if (!shader) {
      const known = Object.keys(interfaces).map((name) => `"${name}"`);
      throw new Refusal("invalid-kernel", `has no program "${pass.program}"; it has ${known.join(", ")}.`);
    }
    checkNames(shader, pass);
    const all = shader.bindings.map((info) => resources.bind(info, pass));
    checkAliases(shader, all, resources);
    const entries = all
      .filter(({ isSet }) => !isSet)
      .map(({ group, binding, resource }) => ({ group, binding, resource }));
    const immediates = all.find(({ isSet }) => isSet)?.resource;
    const { program } = pass;
    const variant = { program, immediate: immediates !== undefined, ...(immediates !== undefined && { immediates }) };
    if (indirect && pass === own[0]) {
      const resource = resources.bindIndirect(indirectArguments);
      dispatches.push({ ...variant, split: false, entries, workgroups: [0, 0, 0], indirect: resource });
      continue;
    }
    const groups = countWorkgroups(shader, isGiven(size) ? size : pass, () => resources.outputCounts(shader, all));
    if (groups.includes(0)) continue;
    const grid = gridOf(shader, groups, limits, variant.immediate);
    if (grid === "whole") {
      dispatches.push({ ...variant, split: false, entries, workgroups: groups });
      continue;
    }
    for (const part of splitGrid(groups, limits.maxComputeWorkgroupsPerDimension)) {
      const isImmediate = grid.type === "immediate";
      const resource = resources.addGrid(new Uint32Array([...part.base, 0, ...groups, 0]), isImmediate);
      dispatches.push({
        ...variant,
        split: true,
        workgroups: part.workgroups,
        ...(isImmediate
          ? { entries, immediates: resource }
          : { entries: [...entries, { group: grid.group, binding: grid.binding, resource }] }),
      });
    }
  }
  for (const pass of passes) for (const info of interfaces[pass.program]!.unused) resources.checkUnused(info, pass);
  resources.checkAllBound(interfaces, passes);
  resources.checkImmediates();
  const { label } = kernel;
  checkIntos(bindings);
  const planned = resources.planned();
  checkCounts(planned, resources.bound);
  return { label, resources: planned, dispatches, isEmpty: false, bound: resources.bound, shape: {} };
}

function sizePassOf(word: IndirectWord, { workgroupSize }: ShaderInterface, limits: DeviceLimits): Pass {
  return sizePass(word, workgroupSize, limits.maxComputeWorkgroupsPerDimension);
}

function isGiven(size: DispatchSize | undefined): size is DispatchSize {
  return size?.workgroups !== undefined || size?.threads !== undefined;
}

/** @throws {ComputeError} `invalid-option` if the run's size is not valid, or its kernel takes none. */
function checkSize({ workgroups, threads }: DispatchSize, passCount: number): void {
  if (workgroups !== undefined) checkedGrid("workgroups", workgroups, "invalid-option");
  if (threads !== undefined) checkedGrid("threads", threads, "invalid-option");
  if (workgroups === undefined && threads === undefined) return;
  const word = workgroups === undefined ? "threads" : "workgroups";
  if (workgroups !== undefined && threads !== undefined) {
    throw new Refusal("invalid-option", "is given both `threads` and `workgroups`; give one of them.");
  }
  if (passCount > 1) {
    throw new Refusal(
      "invalid-option",
      `has ${passCount} passes, each with its own size; \`${word}\` is for kernels of one pass.`,
    );
  }
}

/** What the program of a one-pass kernel writes. In other kernels a program's names may stand for other bindings. */
function writtenNames({ main }: PlanRequest<Bindings>["interfaces"]): string[] {
  return (main?.bindings ?? []).filter(({ access }) => access === "read-write").map(({ name }) => name);
}

/** A pass that names what its shader does not declare is a mistake, most often a misspelling. */
function checkNames(shader: ShaderInterface, { program, bindings }: Pass): void {
  for (const name in bindings) {
    if ([...shader.bindings, ...shader.unused].some((info) => info.name === name)) continue;
    const known = shader.bindings.map((info) => `"${info.name}"`).join(", ");
    throw new Refusal(
      "invalid-kernel",
      `has a pass that binds "${name}", but program "${program}" binds only ${known}.`,
    );
  }
}

/** WebGPU refuses a dispatch that writes a buffer and also binds it a second time; this says so by name. */
function checkAliases(shader: ShaderInterface, entries: PlannedDispatch["entries"], resources: RunResources): void {
  const bound = new Map<number, BindingInfo>();
  for (const [i, { resource }] of entries.entries()) {
    const info = shader.bindings[i]!;
    const other = bound.get(resource);
    if (other && (other.access === "read-write" || info.access === "read-write")) {
      throw new Refusal(
        "invalid-kernel",
        `binds ${resources.describe(resource)} as "${other.name}" and as "${info.name}" in one pass and writes it; ` +
          "a pass can bind only once what it writes.",
      );
    }
    bound.set(resource, info);
  }
}

function emptyPlan(label: string, bindings: Bindings): RunPlan {
  const resources: PlannedResource[] = [];
  for (const name in bindings) {
    const value = bindings[name]!;
    const result = emptyResultOf(value);
    if (result) resources.push({ name, byteLength: 0, access: "read-write", result });
  }
  return { label, resources, dispatches: [], isEmpty: true, bound: new Map(), shape: {} };
}

function emptyResultOf(value: BindingValue): PlannedResult | undefined {
  if (isRole(value, "output")) return { type: value.type, length: 0, into: value.into };
  if (isRole(value, "lease")) return { type: value.type, length: 0, isLeased: true };
  if (isRole(value, "inout")) return { type: arrayTypeOf(value.data), length: 0, into: value.into };
  return undefined;
}
