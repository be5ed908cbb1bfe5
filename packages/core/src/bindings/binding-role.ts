/**
 * The key by which an object says which role it plays in a binding. Only Kiln's own objects have it, so a caller's
 * struct may have members of any name. The symbol is registered, so that every copy of this package in a process uses
 * the same one.
 */
export const bindingRole: unique symbol = Symbol.for("@kiln-gpu/binding-role") as never;

export type BindingRole = "output" | "lease" | "inout" | "bytes" | "staged" | "resident" | "temporary" | "reference";

/** The role of an object that Kiln made; `undefined` for anything else. */
export function roleOf(value: unknown): BindingRole | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { readonly [bindingRole]?: BindingRole })[bindingRole];
}
