import { posix, win32 } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheDirectory } from "./cache-directory.js";

const directory = (platform: NodeJS.Platform, environment: Record<string, string>, home: string) =>
  cacheDirectory({ platform, environment, homedir: () => home, path: platform === "win32" ? win32 : posix });

describe("cacheDirectory", () => {
  it.each([
    ["linux", {}, "/home/ada", "/home/ada/.cache/kiln"],
    ["linux", { XDG_CACHE_HOME: "/var/ada" }, "/home/ada", "/var/ada/kiln"],
    ["linux", { XDG_CACHE_HOME: "/var/ada" }, "", "/var/ada/kiln"],
    ["linux", { XDG_CACHE_HOME: "here" }, "/home/ada", "/home/ada/.cache/kiln"],
    ["freebsd", {}, "/home/ada", "/home/ada/.cache/kiln"],
    ["darwin", { XDG_CACHE_HOME: "/var/ada" }, "/Users/ada", "/Users/ada/Library/Caches/kiln"],
    ["win32", { LOCALAPPDATA: "D:\\Local" }, "C:\\Users\\ada", "D:\\Local\\kiln\\Cache"],
    ["win32", {}, "C:\\Users\\ada", "C:\\Users\\ada\\AppData\\Local\\kiln\\Cache"],
  ] as const)("on %s with %j and home %j is %s", (platform, environment, home, expected) => {
    expect(directory(platform, environment, home)).toBe(expected);
  });

  it.each(["linux", "darwin", "win32"] as const)("on %s is never in the working directory", (platform) => {
    for (const home of ["", ".", "home"]) expect(() => directory(platform, {}, home)).toThrow("the user has no home");
  });
});
