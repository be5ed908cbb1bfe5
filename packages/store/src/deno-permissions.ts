interface Permission {
  readonly name: "env" | "sys" | "read" | "write";
  /** Of a file or folder. */
  readonly path?: string;
}

/**
 * Whether Deno allows something; other runtimes allow everything. Deno interrupts its user with a question when a
 * program does what is not allowed yet, so a store looks first, and works without what is not allowed.
 */
export function isAllowed(permission: Permission): boolean {
  const { Deno } = globalThis as {
    readonly Deno?: { readonly permissions: { querySync(permission: Permission): { readonly state: string } } };
  };
  return Deno === undefined || Deno.permissions.querySync(permission).state === "granted";
}
