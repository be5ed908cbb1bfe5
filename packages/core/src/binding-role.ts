import type { BindingValue, Inout, LeasedOutput, Output, ResidentArray, Staged } from "./bindings.js";

export function isRole(value: BindingValue, role: "output"): value is Output;
export function isRole(value: BindingValue, role: "inout"): value is Inout;
export function isRole(value: BindingValue, role: "staged"): value is Staged;
export function isRole(value: BindingValue, role: "lease"): value is LeasedOutput;
export function isRole(value: BindingValue, role: "resident"): value is ResidentArray;
export function isRole(value: BindingValue, role: string): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return (value as { role?: unknown }).role === role;
}

export function isResult(value: BindingValue): boolean {
  return isRole(value, "output") || isRole(value, "lease") || isRole(value, "inout");
}

/** A binding may be named as what every object inherits: `constructor` is a good name in WGSL. */
export function ownValue<T>(values: { readonly [name: string]: T } | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}
