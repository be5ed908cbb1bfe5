/** Folders for tests: inside of this package, so that what is generated there finds `@kiln-gpu/core` as it does in a user's project. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { onTestFinished } from "vitest";
import { runCommand } from "./run-command.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const cache = fileURLToPath(new URL("../.cache/", import.meta.url));

export const readModule = (name: string) => readFile(join(root, "tools/corpus/modules", name));
export const readSource = (name: string) => readFile(join(root, "tools/corpus/sources", name));

export interface Project {
  readonly folder: string;
  write(files: { readonly [path: string]: string | Uint8Array }): Promise<void>;
  read(path: string): Promise<string>;
  /** All files in it, sorted. */
  files(): Promise<string[]>;
  run(...args: string[]): Promise<{ readonly code: number; readonly output: string; readonly errors: string }>;
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
      const texts = { output: "", errors: "" };
      const stream = (name: keyof typeof texts) => ({ write: (text: string) => (texts[name] += text) });
      const code = await runCommand(args, { folder, output: stream("output"), errors: stream("errors") });
      return { code, ...texts };
    },
  };
  await project.write({ "package.json": '{ "type": "module" }\n', ...files });
  return project;
}

/** What the compiler says of each file, as strictly as this repository is checked. */
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

/** A shader that multiplies; `body` stands in its entry point. */
export const scale = `struct Params { factor: f32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { y[id.x] = params.factor * x[id.x]; }
}
`;
