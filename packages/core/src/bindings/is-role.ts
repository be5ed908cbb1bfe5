import { type BindingRole, roleOf } from "./binding-role.js";
import type { BindingValue, Bytes, Inout, LeasedOutput, Output, ResidentArray, Staged } from "./bindings.js";

export function isRole(value: BindingValue, role: "output"): value is Output;
export function isRole(value: BindingValue, role: "inout"): value is Inout;
export function isRole(value: BindingValue, role: "bytes"): value is Bytes;
export function isRole(value: BindingValue, role: "staged"): value is Staged;
export function isRole(value: BindingValue, role: "lease"): value is LeasedOutput;
export function isRole(value: BindingValue, role: "resident"): value is ResidentArray;
export function isRole(value: BindingValue, role: BindingRole): boolean {
  return roleOf(value) === role;
}

export function isResult(value: BindingValue): boolean {
  const role = roleOf(value);
  return role === "output" || role === "lease" || role === "inout";
}

/** Reads own members only: `constructor` is a valid name in WGSL, and every object inherits one. */
export function ownValue<T>(values: { readonly [name: string]: T } | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}
