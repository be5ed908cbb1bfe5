/**
 * One pass over the shaders: reads each, and writes or compares its module. An error in one does not stop the others.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { LoadedProgram } from "@kiln-gpu/shader";
import { fileNameOf, importNameOf } from "./file-name.js";
import { findShaders, modulePathOf, shaderPathOf } from "./find-shaders.js";
import { firstLine, moduleText } from "./generate-module.js";
import { readShader } from "./read-shader.js";
import type { Reporter } from "./reporter.js";

export interface CodegenOptions {
  /** Folders and shader files; relative paths start in `folder`. */
  readonly paths: readonly string[];
  readonly folder: string;
  /** Writes and removes nothing; whatever it would write or remove is an error. */
  readonly isCheck: boolean;
  /** Compiles the entry points of a shader; rejects with the errors of the first that does not compile. */
  readonly validate?: (entryPoints: readonly LoadedProgram[]) => Promise<void>;
}

type Outcome = "written" | "unchanged" | "removed";

/**
 * @returns Whether there were no errors.
 * @throws {UsageError} If a path does not exist, or is a file that is not a shader.
 */
export async function codegen(options: CodegenOptions, reporter: Reporter): Promise<boolean> {
  const { isCheck } = options;
  const { shaders, modules } = await findShaders(options.paths, options.folder);
  const counts = { written: 0, unchanged: 0, removed: 0, wrong: 0 };
  const attempt = async <T>(path: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      counts.wrong += 1;
      reporter.error(path, error);
      return undefined;
    }
  };
  const settle = async (module: string, work: () => Promise<Outcome | undefined>) => {
    const outcome = await attempt(module, work);
    if (outcome === undefined) return;
    counts[outcome] += 1;
    if (outcome !== "unchanged") reporter.changed(outcome, module);
  };
  for (const shader of shaders) {
    const text = await attempt(shader, () => textOf(shader, options));
    const module = modulePathOf(shader);
    if (text !== undefined) await settle(module, () => update(module, text, isCheck));
  }
  const known = new Set(shaders);
  for (const module of modules) {
    if (!known.has(shaderPathOf(module))) await settle(module, () => removeOrphan(module, isCheck));
  }
  reporter.summary(counts);
  return counts.wrong === 0;
}

async function textOf(path: string, { validate }: CodegenOptions): Promise<string> {
  const bytes = await readFile(path);
  const shader = await readShader({
    name: basename(path),
    bytes,
    file: await fileNameOf(path),
    importName: await importNameOf(path),
  });
  await validate?.(shader.entryPoints);
  return moduleText(shader);
}

async function update(path: string, text: string, isCheck: boolean): Promise<Outcome> {
  const existing = await readIfThere(path);
  if (existing !== undefined && !isGenerated(existing)) {
    throw new Error("This file was not generated, so its shader's module cannot be written here; rename one of them.");
  }
  if (existing === text) return "unchanged";
  if (isCheck) {
    throw new Error(
      `This module is ${existing === undefined ? "missing" : "out of date"}; \`kiln codegen\` writes it.`,
    );
  }
  await writeFile(path, text);
  return "written";
}

async function removeOrphan(path: string, isCheck: boolean): Promise<Outcome | undefined> {
  const existing = await readIfThere(path);
  if (existing === undefined || !isGenerated(existing)) return undefined;
  if (isCheck) {
    const shader = basename(shaderPathOf(path));
    throw new Error(`This module was generated from ${shader}, which no longer exists; \`kiln codegen\` removes it.`);
  }
  await rm(path);
  return "removed";
}

function isGenerated(text: string): boolean {
  return text.startsWith(`${firstLine}\n`);
}

/** The text of a module with \n line ends, whatever line ends a checkout gave it. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).replaceAll("\r\n", "\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
