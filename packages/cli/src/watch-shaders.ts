import { realpath } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { watch } from "chokidar";
import { type CodegenOptions, codegen } from "./codegen.js";
import { findShaders } from "./find-shaders.js";
import { PassLoop } from "./pass-loop.js";
import { isShaderName } from "./read-shader.js";
import type { Reporter } from "./reporter.js";

/** Editors save a file in several steps. */
const settlingMs = 50;

/**
 * Makes one pass, and another after each change, until the process is told to end by SIGINT or SIGTERM. Each pass reads
 * all shaders again, so it prints every error that is left.
 * @throws {UsageError} If a path does not exist at the start. A path that disappears later is an error of its pass, and
 *   may come back.
 */
export async function watchShaders(options: CodegenOptions, reporter: Reporter): Promise<void> {
  const { paths, folder } = options;
  await findShaders(paths, folder);
  const roots = await Promise.all(paths.map((path) => realpath(resolve(folder, path))));
  const loop = new PassLoop(
    () => codegen(options, reporter).catch((error: unknown) => reporter.error(folder, error)),
    () => wait(settlingMs),
  );
  const stop = () => loop.stop();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  // Node's own recursive watcher, on Linux in Node 20, misses changes to files that were replaced; most editors replace
  // files when they save.
  const watcher = watch(roots, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path, found) => {
      const name = basename(path);
      const isSkipped = (name.startsWith(".") || name === "node_modules") && !roots.includes(path);
      return isSkipped || (found?.isFile() === true && !isShaderName(name));
    },
  });
  watcher.on("error", (error) => reporter.error(folder, error));
  watcher.on("all", () => loop.change());
  await new Promise<void>((resolve) => {
    watcher.once("ready", resolve);
  });
  await loop.run(() => reporter.say("Waiting for changes."));
  process.off("SIGINT", stop).off("SIGTERM", stop);
  await watcher.close();
}
