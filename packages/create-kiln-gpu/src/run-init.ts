import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { InitError } from "./init-error.js";
import { type Manifest, manifestOf } from "./manifest.js";
import { type PackageManager, packageManagerOf, packageManagers, settingsOf } from "./package-manager.js";

/** A stream such as `process.stdout`, as far as it is used; so the declarations need no types of Node. */
interface TextStream {
  write(text: string): unknown;
}

export interface InitSurroundings {
  /** In which a relative path begins. */
  readonly folder: string;
  readonly output: TextStream;
  readonly errors: TextStream;
  /** What a package manager that runs the command says of itself, in `npm_config_user_agent`. */
  readonly agent?: string | undefined;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param command As the user calls it: `kiln init`. */
export function initHelp(command: string): string {
  return `Usage: ${command} [folder] [options]

Makes a project in the folder (default: the current one): package.json, tsconfig.json, a kernel in src/scale.wgsl with
its types, a program that runs it, and a test. A package.json that is there keeps what it says and gets what is missing.
No other file is overwritten.

Options:
  --package-manager NAME  ${packageManagers.join(", ")} (default: the one that runs the command, or else npm)
  -h, --help              prints this help

Exits with 2 if a file is in the way or the command line has an error.`;
}

/**
 * Makes a project and prints which commands come next.
 * @param command As the user calls it: `kiln init`.
 * @returns The exit code.
 */
export async function runInit(
  command: string,
  args: readonly string[],
  surroundings: InitSurroundings,
): Promise<number> {
  const { output, errors } = surroundings;
  try {
    const given = readArguments(args, surroundings.agent);
    output.write(`${given === "help" ? initHelp(command) : await createProject(given, surroundings.folder)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof InitError)) throw error;
    errors.write(`${error.message}\n`);
    return 2;
  }
}

interface InitArguments {
  readonly path: string;
  readonly manager: PackageManager;
}

function readArguments(args: readonly string[], agent: string | undefined): InitArguments | "help" {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new InitError((cause as Error).message, { cause });
  }
  const { values, positionals } = parsed;
  if (values.help) return "help";
  const [path = ".", ...others] = positionals;
  if (others.length > 0) throw new InitError(`One folder is made at a time; got ${positionals.length}.`);
  const name = values["package-manager"] ?? packageManagerOf(agent);
  const manager = packageManagers.find((known) => known === name);
  if (!manager) throw new InitError(`--package-manager must be ${packageManagers.join(", ")}; got "${name}".`);
  return { path, manager };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: { help: { type: "boolean", short: "h" }, "package-manager": { type: "string" } },
    allowPositionals: true,
  });
}

/** @returns What to print. */
async function createProject({ path, manager }: InitArguments, from: string): Promise<string> {
  const folder = resolve(from, path);
  const files = { ...(await templateFiles()), ...settingsOf(manager) };
  const existing = await readManifest(join(folder, "package.json"));
  const inTheWay: string[] = [];
  for (const name of Object.keys(files)) if (await isThere(join(folder, name))) inTheWay.push(name);
  if (inTheWay.length > 0) {
    throw new InitError(`Nothing is overwritten, and ${folder} already has ${inTheWay.join(", ")}.`);
  }
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const manifest = manifestOf(existing, packageNameOf(basename(folder)), version);
  const all: { readonly [path: string]: string } = {
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const commands = [`${manager} install`, `${manager === "bun" ? "bun run" : manager} test`];
  const enter = relative(from, folder);
  const steps = enter === "" ? commands : [`cd ${enter}`, ...commands];
  return [
    `Made in ${folder}:`,
    ...Object.keys(all).map((name) => `  ${name}`),
    "",
    "Next:",
    ...steps.map((step) => `  ${step}`),
  ].join("\n");
}

/** The template's files, by their paths in the project. npm leaves a .gitignore out of packages, so it is made here. */
async function templateFiles(): Promise<{ [path: string]: string }> {
  const files: { [path: string]: string } = { ".gitignore": "node_modules\ndist\n" };
  const template = join(root, "template");
  for (const entry of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Checks of packages refuse files with the names of tests.
    const name = relative(template, path).replaceAll("\\", "/").replace("-test.ts", ".test.ts");
    files[name] = await readFile(path, "utf8");
  }
  return files;
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  if (!(await isThere(path))) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch (cause) {
    throw new InitError(`${path} must be JSON: ${(cause as Error).message}.`, { cause });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A name that npm takes. */
function packageNameOf(folder: string): string {
  return (
    folder
      .toLowerCase()
      .replace(/[^a-z0-9-_.~]+/g, "-")
      .replace(/^[-_.]+/, "") || "my-kernels"
  );
}
