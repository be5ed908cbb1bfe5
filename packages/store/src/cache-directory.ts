import type * as NodePath from "node:path";

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homedir: () => string;
  readonly path: Pick<typeof NodePath, "isAbsolute" | "join">;
}

/**
 * The platform's folder for caches: `$XDG_CACHE_HOME/kiln` or `~/.cache/kiln`, on macOS `~/Library/Caches/kiln`, on
 * Windows `%LOCALAPPDATA%\kiln\Cache`.
 * @throws {Error} if the user has no home, so that nothing is kept in the working directory by accident.
 */
export function cacheDirectory({ platform, environment, homedir, path }: Surroundings): string {
  // The XDG specification says to ignore a path that is not absolute.
  const absolute = (given: string | undefined) => (given && path.isAbsolute(given) ? given : undefined);
  const inHome = (...names: string[]) => {
    const home = absolute(homedir());
    if (home === undefined) throw new Error("The store has no directory: none is given, and the user has no home.");
    return path.join(home, ...names);
  };
  if (platform === "darwin") return inHome("Library", "Caches", "kiln");
  if (platform === "win32") {
    return path.join(absolute(environment.LOCALAPPDATA) ?? inHome("AppData", "Local"), "kiln", "Cache");
  }
  return path.join(absolute(environment.XDG_CACHE_HOME) ?? inHome(".cache"), "kiln");
}
