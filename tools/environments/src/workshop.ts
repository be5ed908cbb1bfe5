/**
 * A temporary folder with one project for each environment, in which Kiln's packages are installed as a user installs
 * them: from their tarballs, with the dependencies that they declare and no others.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { runWell } from "./run-command.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const templates = fileURLToPath(new URL("../projects", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, unknown>> };
}

export class Workshop {
  readonly #folder: string;
  /** Everything that a user can import from Kiln's packages. */
  readonly doors: readonly string[];

  private constructor(folder: string, doors: readonly string[]) {
    this.#folder = folder;
    this.doors = doors;
  }

  /** Packs the built packages, and installs them in a copy of each project. */
  static async open(): Promise<Workshop> {
    const folder = await mkdtemp(join(tmpdir(), "kiln-environments-"));
    try {
      await cp(templates, folder, {
        recursive: true,
        filter: (source) => basename(source) !== "node_modules",
      });
      const { tarballs, doors } = await pack(join(folder, "tarballs"));
      const example = await readmeExample();
      const lines = example.split("\n");
      const isImport = (line: string) => line.startsWith("import ");
      const body = lines.filter((line) => !isImport(line)).join("\n");
      const inFunction = `${lines.filter(isImport).join("\n")}\nexport async function example() {\n${body}\n}\n`;
      for (const project of await projectsOf(folder)) {
        const path = join(folder, project, "package.json");
        const manifest = await readManifest(path);
        const dependencies = { ...manifest.dependencies, ...tarballs };
        await writeFile(path, JSON.stringify({ ...manifest, dependencies }, undefined, 2));
        await writeFile(join(folder, project, "readme-example.mjs"), javaScriptOf(example));
        await writeFile(join(folder, project, "readme-example-in-function.mjs"), javaScriptOf(inFunction));
        await cp(join(folder, "work.mjs"), join(folder, project, "work.mjs"));
      }
      // The packages ask for each other by versions, which may not be published yet.
      const overrides = Object.entries(tarballs).map(([name, tarball]) => `  "${name}": "${tarball}"\n`);
      const settings = join(folder, "pnpm-workspace.yaml");
      await writeFile(settings, `${await readFile(settings, "utf8")}overrides:\n${overrides.join("")}`);
      await runWell("pnpm", ["install", "--no-frozen-lockfile", "--prefer-offline"], {
        cwd: folder,
        timeoutMs: 600_000,
      });
      return new Workshop(folder, doors);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  project(name: string): string {
    return join(this.#folder, name);
  }

  /** The version of a package that is installed in a project. */
  async version(project: string, dependency: string): Promise<string> {
    const { version } = await readManifest(join(this.project(project), "node_modules", dependency, "package.json"));
    return version.replace(/^v/, "");
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

async function pack(destination: string) {
  const tarballs: Record<string, string> = {};
  const doors: string[] = [];
  for (const entry of await readdir(join(root, "packages"))) {
    const cwd = join(root, "packages", entry);
    const { name, version, publishConfig, ...manifest } = await readManifest(join(cwd, "package.json"));
    if (manifest.private) continue;
    await runWell("pnpm", ["pack", "--pack-destination", destination], { cwd });
    tarballs[name] = `file:${destination}/${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
    // A package may have files that are not modules, or nothing else.
    const modules = Object.entries(publishConfig?.exports ?? {}).filter(([, door]) => typeof door === "object");
    doors.push(...modules.map(([door]) => name + door.slice(1)));
  }
  return { tarballs, doors };
}

/** The README's first example, in TypeScript. */
async function readmeExample(): Promise<string> {
  const [, code] = /^```ts\n(.*?)^```/ms.exec(await readFile(join(root, "README.md"), "utf8"))!;
  return code!;
}

/** Not every runtime knows `await using`. */
function javaScriptOf(code: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}

async function projectsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && entry.name !== "tarballs").map(({ name }) => name);
}

async function readManifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(path, "utf8")) as Manifest;
}
