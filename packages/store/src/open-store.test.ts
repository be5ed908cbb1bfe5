import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openStore } from "./open-store.js";
import { runWithStore, temporaryFolder } from "./store.test-support.js";

const keepsNothing = { hits: 0, misses: 1, writes: 0, evicted: 0 };
const writeAndRead = `await store.write("a", "b", 1); report(await store.read("a", "b"));`;

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("openStore", () => {
  it("touches no disk before the first write", async () => {
    const directory = join(temporaryFolder(), "store");
    const store = openStore({ directory });
    expect(await store.read("a", "b")).toBeUndefined();
    expect(existsSync(directory)).toBe(false);
    expect(store.stats()).toEqual({ ...keepsNothing, failures: 0, lastFailure: undefined });
  });

  it("refuses an option that does not exist", () => {
    expect(() => openStore({ diretory: "x" } as never)).toThrow(
      new TypeError('openStore takes no option "diretory"; its options are directory, maxBytes, isEnabled.'),
    );
  });

  it("keeps nothing when the option or the environment turns it off", async () => {
    const directory = join(temporaryFolder(), "store");
    const stores = [openStore({ directory, isEnabled: false })];
    for (const word of ["off", "0", "false"]) {
      vi.stubEnv("KILN_STORE", word);
      stores.push(openStore({ directory }), openStore({ directory, isEnabled: true }));
    }
    for (const store of stores) {
      await store.write("a", "b", 1);
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats()).toEqual({ ...keepsNothing, failures: 0, lastFailure: undefined });
    }
    expect(existsSync(directory)).toBe(false);
  });

  it("keeps nothing without Node, or with only a bundler's stand-in for `process`", async () => {
    for (const process of [undefined, { env: {} }]) {
      vi.stubGlobal("process", process);
      const store = openStore();
      vi.unstubAllGlobals();
      await store.write("a", "b", 1);
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats()).toEqual({ ...keepsNothing, failures: 0, lastFailure: undefined });
    }
  });

  it.each(["env", "sys", "read", "write"])("keeps nothing in Deno without the permission %s", async (denied) => {
    vi.stubEnv("KILN_STORE", undefined);
    const querySync = ({ name }: { name: string }) => ({ state: name === denied ? "prompt" : "granted" });
    vi.stubGlobal("Deno", { permissions: { querySync } });
    const directory = join(temporaryFolder(), "store");
    const store = openStore({ directory });
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(existsSync(directory)).toBe(false);
    expect(store.stats()).toMatchObject({ failures: 0 });
  });

  it("takes its directory from the option, then the environment, then the platform", async () => {
    const home = temporaryFolder();
    vi.stubEnv("HOME", home);
    vi.stubEnv("XDG_CACHE_HOME", "");
    vi.stubEnv("LOCALAPPDATA", "");
    await openStore().write("a", "b", 1);
    expect(readdirSync(home)).toHaveLength(1);
    vi.stubEnv("KILN_STORE_DIRECTORY", join(home, "by environment"));
    await openStore().write("a", "b", 1);
    await openStore({ directory: join(home, "by option") }).write("a", "b", 1);
    expect(readdirSync(home)).toHaveLength(3);
    for (const name of ["by environment", "by option"]) expect(readdirSync(join(home, name))).toHaveLength(1);
  });

  it("resolves the directory when it is opened, not when it is used", async () => {
    const [before, after] = [temporaryFolder(), temporaryFolder()];
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(before);
    const store = openStore({ directory: "store" });
    cwd.mockReturnValue(after);
    await store.write("a", "b", 1);
    cwd.mockRestore();
    expect([readdirSync(before), readdirSync(after)]).toEqual([["store"], []]);
  });

  it("goes on with a home that is no absolute path", async () => {
    const { stats, reported } = await runWithStore(writeAndRead, { environment: { HOME: "." } });
    expect(reported).toBeUndefined();
    expect(stats).toMatchObject({ ...keepsNothing, failures: 1 });
    expect(stats.lastFailure).toContain("has no home");
  });

  // A user unknown to the system has no home but HOME; only root may become one.
  it.runIf(process.getuid?.() === 0)("goes on without HOME", async () => {
    const { stats, reported } = await runWithStore(writeAndRead, { userId: 54_321 });
    expect(reported).toBeUndefined();
    expect(stats).toMatchObject({ ...keepsNothing, failures: 1 });
  });

  it.each(["a file", "a link to nothing"])("goes on with %s where the directory should be", async (kind) => {
    const directory = join(temporaryFolder(), "store");
    if (kind === "a file") writeFileSync(directory, "mine");
    else symlinkSync(join(directory, "..", "nothing"), directory);
    for (const path of [directory, join(directory, "below")]) {
      const store = openStore({ directory: path });
      await store.write("a", "b", 1);
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats().writes).toBe(0);
      expect(store.stats().failures).toBeGreaterThan(0);
    }
  });

  it("follows a link to the directory, which a user may have moved", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(folder, "elsewhere"), join(folder, "store"));
    const store = openStore({ directory: join(folder, "store") });
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBe(1);
    expect(readdirSync(join(folder, "elsewhere"))).toHaveLength(1);
  });
});
