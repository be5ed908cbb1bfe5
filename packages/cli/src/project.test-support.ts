/**
 * Folders for tests. They lie inside this package, so generated modules find `@kiln-gpu/core` as they do in a user's
 * project.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { onTestFinished, vi } from "vitest";
import { runCommand } from "./run-command.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const cache = fileURLToPath(new URL("../.cache/", import.meta.url));

export const readModule = (name: string) => readFile(join(root, "tools/corpus/modules", name));
export const readSource = (name: string) => readFile(join(root, "tools/corpus/sources", name));

export interface Project {
  readonly folder: string;
  write(files: { readonly [path: string]: string | Uint8Array }): Promise<void>;
  read(path: string): Promise<string>;
  /** All its files, sorted. */
  files(): Promise<string[]>;
  run(...args: string[]): Promise<{ readonly code: number; readonly output: string; readonly errors: string }>;
}

/** A stream that keeps what is written to it, with the properties of `terminal`. */
export function collectText(terminal: object = {}): { readonly stream: Writable; readonly text: () => string } {
  ignoreForcedColor();
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, terminal), text: () => text };
}

/** FORCE_COLOR, as some CI services set it, colors files and pipes too. */
export function ignoreForcedColor(): void {
  vi.stubEnv("FORCE_COLOR", undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
}

export async function createProject(files: { readonly [path: string]: string | Uint8Array } = {}): Promise<Project> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "project-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const project: Project = {
    folder,
    async write(written) {
      for (const [path, content] of Object.entries(written)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
    },
    read: (path) => readFile(join(folder, path), "utf8"),
    async files() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
        .sort();
    },
    async run(...args) {
      const output = collectText();
      const errors = collectText();
      const code = await runCommand(args, { folder, output: output.stream, errors: errors.stream });
      return { code, output: output.text(), errors: errors.text() };
    },
  };
  await project.write({ "package.json": '{ "type": "module" }\n', ...files });
  return project;
}

/** The compiler's messages for each file, under the strict settings of this repository. */
export function typeErrors(paths: readonly string[]): string[][] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const strict: ts.CompilerOptions = { ...options, types: [], declaration: true, isolatedDeclarations: true };
  const program = ts.createProgram([...paths], strict);
  return paths.map((path) => {
    const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
    return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  });
}

/** A shader that multiplies. */
export const scale = `struct Params { factor: f32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { y[id.x] = params.factor * x[id.x]; }
}
`;
