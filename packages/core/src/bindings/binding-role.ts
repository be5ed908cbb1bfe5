/**
 * The key under which an object says what it stands for in a binding. Only Kiln's own objects have it, so a caller's struct may have
 * members of any name. The symbol is registered: every copy of this package in a process uses the same one.
 */
export const bindingRole: unique symbol = Symbol.for("@kiln-gpu/binding-role") as never;

export type BindingRole = "output" | "lease" | "inout" | "bytes" | "staged" | "resident" | "temporary" | "reference";

/** What an object of Kiln's stands for; `undefined` for everything else. */
export function roleOf(value: unknown): BindingRole | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { readonly [bindingRole]?: BindingRole })[bindingRole];
}
