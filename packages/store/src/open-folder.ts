import { cacheDirectory } from "./cache-directory.js";
import { isAllowed } from "./deno-permissions.js";
import { StoreFolder } from "./store-folder.js";

/** The store's folder in Node; `undefined` if the environment turns the store off, or Deno does not allow it. */
export function openFolder(given: string | undefined): StoreFolder | undefined {
  const { process } = globalThis;
  if (!isAllowed({ name: "env" }) || !isAllowed({ name: "sys" })) return undefined;
  if (["off", "0", "false"].includes(process.env.KILN_STORE ?? "")) return undefined;
  // Not `import("node:fs")`: bundlers for pages resolve it, and some fail on it.
  const fs = process.getBuiltinModule("node:fs/promises");
  const path = process.getBuiltinModule("node:path");
  const { homedir } = process.getBuiltinModule("node:os");
  const { platform, env: environment } = process;
  const directory = path.resolve(
    given || environment.KILN_STORE_DIRECTORY || cacheDirectory({ platform, environment, homedir, path }),
  );
  if (!isAllowed({ name: "read", path: directory }) || !isAllowed({ name: "write", path: directory })) return undefined;
  return new StoreFolder(directory, { fs, path, userId: process.geteuid?.() });
}
