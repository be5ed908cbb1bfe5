import { realpath } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { watch } from "chokidar";
import { type CodegenOptions, codegen } from "./codegen.js";
import { findShaders } from "./find-shaders.js";
import { isShaderName } from "./read-shader.js";
import type { Reporter } from "./reporter.js";

/** Editors save in several steps. */
const settlingMs = 50;

/**
 * Makes one pass, and another after each change, until the process is told to end. A pass reads all shaders anew, so that all errors that stand
 * are told.
 * @throws {UsageError} For a path that is absent, as it begins; what goes later is told, and may come again.
 */
export async function watchShaders(options: CodegenOptions, reporter: Reporter): Promise<void> {
  const { paths, folder } = options;
  await findShaders(paths, folder);
  const roots = await Promise.all(paths.map((path) => realpath(resolve(folder, path))));
  let isChanged = true;
  let isStopped = false;
  let wake = () => {};
  const stop = () => {
    isStopped = true;
    wake();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  // Node's own watcher of whole folders goes deaf on Linux, in Node 20, to files that were replaced, as most editors save them.
  const watcher = watch(roots, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path, found) => {
      const name = basename(path);
      const isPassedOver = (name.startsWith(".") || name === "node_modules") && !roots.includes(path);
      return isPassedOver || (found?.isFile() === true && !isShaderName(name));
    },
  });
  watcher.on("error", (error) => reporter.error(folder, error));
  watcher.on("all", () => {
    isChanged = true;
    wake();
  });
  await new Promise<void>((resolve) => {
    watcher.once("ready", resolve);
  });
  while (!isStopped) {
    if (isChanged) {
      isChanged = false;
      await codegen(options, reporter).catch((error: unknown) => reporter.error(folder, error));
      if (!isChanged) reporter.say("Waiting for changes.");
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (!isStopped) await wait(settlingMs);
    }
  }
  process.off("SIGINT", stop).off("SIGTERM", stop);
  await watcher.close();
}
