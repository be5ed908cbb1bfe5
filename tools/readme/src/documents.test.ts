import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const ownAddress = /^https:\/\/github\.com\/kiln-gpu\/kiln\/(?:blob|tree)\/main\/(.*)$/;
const madeByTools = new Set(["node_modules", "dist", ".git", ".cache", ".turbo", ".pnpm-store"]);

/** Every file and folder of the repository; folders end with "/". */
const tree = [...pathsBelow("")];
/** As documents name them: without `packages/` and `src/`. */
const shortened = tree.map((path) => path.replace(/^packages\//, "").replaceAll("/src/", "/"));
/** The site's pages are not among them: their build fails on a dead link. */
const markdown = tree.filter((path) => path.endsWith(".md") && !/CHANGELOG\.md$|^apps\/site\//.test(path));
/** What developers read to find their way. */
const guides = ["CONTRIBUTING.md", "docs/architecture.md"];
const documents = markdown.filter((path) => /^([^/]+|\.github\/.*|docs\/[^/]+)$/.test(path));
const text = (path: string) => readFileSync(join(root, path), "utf8");

function* pathsBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (madeByTools.has(entry.name)) continue;
    const path = folder + entry.name + (entry.isDirectory() ? "/" : "");
    yield path;
    if (entry.isDirectory()) yield* pathsBelow(path);
  }
}

/** Whether `named` is a path, or the end of one. A folder may be named with or without its last "/". */
function isInTree(named: string): boolean {
  const ends = (path: string) => [named, `${named}/`].some((end) => path === end || path.endsWith(`/${end}`));
  return tree.some(ends) || shortened.some(ends);
}

/** What stands between backticks, outside of blocks. */
function codeOf(document: string): string[] {
  const prose = text(document).replace(/^```.*?^```/gms, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}

const isPath = (code: string) => /^[\w.@-]*(\/[\w.@-]*)*$/.test(code) && /\/|\.(ts|md|mjs|json|yaml)$/.test(code);
const isPackageName = (code: string) => code.startsWith("@kiln-gpu/");

function commandsOf(document: string): string[] {
  const blocks = [...text(document).matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, lines]) => lines!.split("\n"));
  const all = [...blocks, ...codeOf(document)];
  return all.map((line) => line.replace(/ +#.*$/, "")).filter((line) => /^(npx|node|\.ci\/run)\b/.test(line));
}

interface PackageJson {
  readonly name: string;
  readonly packageManager?: string;
  readonly scripts?: { readonly [name: string]: string };
  readonly dependencies?: { readonly [name: string]: string };
  readonly optionalDependencies?: { readonly [name: string]: string };
}

const packageJson = (folder: string) => JSON.parse(text(join(folder, "package.json"))) as PackageJson;
const { packageManager } = packageJson("");
const ownCommandsOfPnpm = new Set(["install", "exec"]);

/** What is wrong with a command that a document tells a reader to type. */
function problemOf(command: string): string | undefined {
  const [program, ...words] = command.split(" ");
  if (program === ".ci/run") return undefined;
  if (program === "node") return isInTree(words[0]!) ? undefined : `there is no ${words[0]}`;
  const pnpm = words.findIndex((word) => word.startsWith("pnpm@"));
  if (pnpm < 0) return problemOfTool(words);
  if (words[pnpm] !== packageManager) return `the repository uses ${packageManager}`;
  return problemOfPnpm(words.slice(pnpm + 1));
}

function problemOfPnpm(words: readonly string[]): string | undefined {
  const [folder, given] = words[0] === "--dir" ? [words[1]!, words.slice(2)] : ["", words];
  const script = given[0] === "run" ? given[1]! : given[0]!;
  const { scripts = {} } = packageJson(folder);
  return ownCommandsOfPnpm.has(script) || script in scripts ? undefined : `there is no script "${script}"`;
}

/** Runs a first program in a project that has no tool yet: npx brings it. */
const toolOfUsers = "tsx";

/** Paths that `npx vitest run` or another tool of the repository is given. */
function problemOfTool([tool, ...words]: readonly string[]): string | undefined {
  if (tool === toolOfUsers) return undefined;
  if (!existsSync(join(root, "node_modules/.bin", tool!))) return `the repository has no tool "${tool}"`;
  for (const word of words.filter((given) => given.includes("/"))) {
    const tests = tree.filter((path) => path.startsWith(word) && (tool !== "vitest" || path.endsWith(".test.ts")));
    if (tests.length === 0 || !existsSync(join(root, word))) return `there is nothing at ${word}`;
  }
  return undefined;
}

interface Rule {
  readonly from: { readonly path?: string };
  readonly to: { readonly path?: string; readonly pathNot?: string };
}

const { forbidden } = JSON.parse(text(".dependency-cruiser.json")) as { readonly forbidden: readonly Rule[] };

/** Whether no rule of the boundary check forbids the import of one file in another. */
function mayImport(importing: string, imported: string): boolean {
  return !forbidden.some(({ from, to }) => {
    const match = from.path === undefined ? null : new RegExp(from.path).exec(importing);
    if (!match || to.path === undefined) return false;
    const matches = (path: string) => new RegExp(path.replace("$1", match[1] ?? "")).test(imported);
    return matches(to.path) && !(to.pathNot !== undefined && matches(to.pathNot));
  });
}

describe("the documents for developers", () => {
  it.each(guides)("name paths that exist: %s", (document) => {
    const paths = codeOf(document).filter((code) => isPath(code) && !isPackageName(code));
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !isInTree(path))).toEqual([]);
  });

  it("name types that exist", () => {
    const sources = tree.filter((path) => /^packages\/.*\/src\/.*\.ts$/.test(path)).map(text);
    const named = [...guides, "docs/glossary.md"].flatMap(codeOf).filter((code) => /^[A-Z][a-z]\w*$/.test(code));
    const isDeclared = (name: string) =>
      sources.some((source) => new RegExp(`\\b(class|interface|type) ${name}\\b`).test(source));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !isDeclared(name))).toEqual([]);
  });

  it.each(["backend-persistent", "core", "shader"])("say what each storey of %s may import", (name) => {
    const [, table] = new RegExp(`^\`${name}\`:\n\n((?:\\|.*\n)+)`, "m").exec(text("docs/architecture.md"))!;
    const foldersIn = (cell: string) => [...cell.matchAll(/`([\w-]+)\/`/g)].map(([, folder]) => folder!);
    const said = table!.split("\n").flatMap((row) => {
      const [, first = "", , last = ""] = row.split("|");
      return foldersIn(first).map((folder) => [folder, foldersIn(last).sort()] as const);
    });
    const entries = readdirSync(join(root, "packages", name, "src"), { withFileTypes: true });
    const storeys = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    const pathIn = (storey: string) => `packages/${name}/src/${storey}/a.ts`;
    const allowed = storeys.map((from) => {
      const others = storeys.filter((to) => to !== from && mayImport(pathIn(from), pathIn(to)));
      return [from, others.sort()] as const;
    });
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(allowed));
  });

  it("name commands that exist", () => {
    const commands = documents.flatMap((document) => commandsOf(document).map((command) => ({ document, command })));
    expect(commands.length).toBeGreaterThan(0);
    const wrong = commands.map((given) => ({ ...given, problem: problemOf(given.command) }));
    expect(wrong.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it("link to files that exist", () => {
    const wrong = markdown.flatMap((document) => {
      // A changeset becomes a part of a package's CHANGELOG.
      const folder = document.startsWith(".changeset/") ? "packages/core" : dirname(document);
      const targets = [...text(document).matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)].map(([, target]) => target!);
      // npm shows a package's README outside of the repository, so it has whole addresses.
      const paths = targets.map((target) => target.match(ownAddress)?.[1] ?? join(folder, target));
      return targets
        .filter((target, i) => (ownAddress.test(target) || !target.includes(":")) && !existsSync(join(root, paths[i]!)))
        .map((target) => ({ document, target }));
    });
    expect(wrong).toEqual([]);
  });

  it("draw the packages as they depend on each other", () => {
    const [, drawing] = /^```mermaid\nflowchart TD\n(.*?)^```/ms.exec(text("docs/architecture.md"))!;
    const drawn = drawing!
      .trim()
      .split("\n")
      .map((line) => {
        const [from, to = ""] = line.trim().split(" --> ");
        return [from!, to.split(" & ").filter(Boolean).sort()] as const;
      });
    const folders = readdirSync(join(root, "packages"));
    const folderOf = new Map(folders.map((folder) => [packageJson(`packages/${folder}`).name, folder]));
    const real = folders.map((name) => {
      const { dependencies, optionalDependencies } = packageJson(`packages/${name}`);
      const own = Object.keys({ ...dependencies, ...optionalDependencies })
        .map((needs) => folderOf.get(needs))
        .filter((needs) => needs !== undefined);
      return [name, own.sort()] as const;
    });
    const withDependencies = real.filter(([name, needs]) => needs.length > 0 || drawn.some(([from]) => from === name));
    expect(Object.fromEntries(drawn)).toEqual(Object.fromEntries(withDependencies));
    const shown = new Set(drawn.flatMap(([from, to]) => [from, ...to]));
    expect([...shown].sort()).toEqual(real.map(([name]) => name).sort());
  });

  it("number each decision as its file does", () => {
    const decisions = tree.filter((path) => /^docs\/decisions\/\d{4}-.*\.md$/.test(path)).sort();
    const titles = decisions.map((path) => /^# (\d+)\. /.exec(text(path))?.[1]);
    expect(titles).toEqual(decisions.map((path) => String(Number(/\d{4}/.exec(path)![0]))));
  });
});
