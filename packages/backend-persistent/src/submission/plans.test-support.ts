import type { PlannedResource, RunPlan } from "@kiln-gpu/core/backend";
import fc from "fast-check";

type Access = PlannedResource["access"];

/** A resource as plans have them: `length` bytes are its data's and its result's, rounded up to 4 for the binding. */
export function resourceOf(access: Access, length: number, has: { data: boolean; result: boolean }): PlannedResource {
  return {
    name: "r",
    byteLength: Math.ceil(length / 4) * 4,
    access,
    ...(has.data && { data: new Uint8Array(length) }),
    ...(has.result && { result: { type: Uint8Array, length } }),
  };
}

export const planOf = (resources: readonly PlannedResource[]): RunPlan => ({
  label: "k",
  resources,
  dispatches: [],
  isEmpty: false,
  bound: new Map(),
  shape: {},
});

export const resource = fc
  .tuple(fc.nat(3000), fc.boolean(), fc.boolean(), fc.constantFrom<Access>("read", "read-write", "mixed"))
  .map(([length, data, result, given]) => {
    // What is only read has data and no result: planRun makes anything else "mixed".
    const access = given === "read" && (!data || result) ? "mixed" : given;
    return length === 0
      ? { name: "unbound", byteLength: 0, access: "read" as const }
      : resourceOf(access, length, { data, result });
  });
