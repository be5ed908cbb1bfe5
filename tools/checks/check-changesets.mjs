/**
 * Refuses a visible change without a changeset: if the code of a package differs from that of a base, apart from
 * comments and tests, a changeset since then must name the package. A change that concerns no user has
 * an empty changeset (`pnpm changeset --empty`).
 *
 *     node tools/checks/check-changesets.mjs [base]
 *
 * The base is where this branch left `main`. On `main` itself it is the commit that made the present version, and every
 * changeset that is there has come since.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const git = (...args) =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

/** Where this branch left `main`; `undefined` on `main` itself. */
function findFork() {
  const head = git("rev-parse", "HEAD").trim();
  for (const branch of ["origin/main", "main"]) {
    try {
      const fork = git("merge-base", branch, "HEAD").trim();
      if (fork !== head) return fork;
    } catch {
      // There is no such branch here.
    }
  }
  return undefined;
}

function findVersion() {
  const versioned = git("log", "-1", "--format=%H", "-G", '^  "version":', "--", "packages/core/package.json").trim();
  return versioned || git("rev-list", "--max-parents=0", "HEAD").trim().split("\n")[0];
}

const fork = process.argv[2] ?? findFork();
const base = fork ?? findVersion();
const changed = git("diff", "--name-only", base, "--", "packages").split("\n");
const added =
  fork === undefined
    ? readdirSync(join(root, ".changeset")).map((name) => `.changeset/${name}`)
    : git("diff", "--name-only", "--diff-filter=AM", base, "--", ".changeset").split("\n");
const untracked = git("ls-files", "--others", "--exclude-standard", ".changeset").split("\n");
const changesets = [...added, ...untracked].filter((path) => path.endsWith(".md")).map((path) => read(path));

function read(path) {
  return readFileSync(join(root, path), "utf8");
}

function textAt(commit, path) {
  try {
    return commit === undefined ? read(path) : git("show", `${commit}:${path}`);
  } catch {
    return "";
  }
}

/** A source without its comments; a manifest without what only developers see. */
function visible(path, text) {
  if (path.endsWith("/package.json") && text !== "") {
    const { devDependencies: _, scripts: __, version: ___, ...rest } = JSON.parse(text);
    return JSON.stringify(rest);
  }
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return ts.createPrinter({ removeComments: true }).printFile(source);
}

const isCode = (path) =>
  /^packages\/[^/]+\/(src\/.*\.ts|package\.json)$/.test(path) && !/\.test(-support)?\.ts$/.test(path);
const visibly = changed
  .filter(isCode)
  .filter((path) => visible(path, textAt(base, path)) !== visible(path, textAt(undefined, path)));
const folders = new Set(visibly.map((path) => path.split("/")[1]));
const isEmpty = changesets.some((text) => /^---\s*---/.test(text));
let failures = 0;
for (const folder of readdirSync(join(root, "packages")).filter((name) => folders.has(name))) {
  const { name, private: isPrivate } = JSON.parse(textAt(undefined, `packages/${folder}/package.json`) || "{}");
  if (!name || isPrivate || isEmpty || changesets.some((text) => text.includes(`"${name}":`))) continue;
  failures += 1;
  const paths = visibly.filter((path) => path.startsWith(`packages/${folder}/`));
  console.log(
    `FAILED  ${name} changes (${paths.join(", ")}), and no changeset names it: \`pnpm changeset\` writes one.`,
  );
}
const versions = new Set(
  readdirSync(join(root, "packages"))
    .map((folder) => JSON.parse(textAt(undefined, `packages/${folder}/package.json`) || "{}"))
    .filter(({ name, private: isPrivate }) => name && !isPrivate)
    .map(({ version }) => version),
);
if (versions.size > 1) {
  failures += 1;
  console.log(`FAILED  All packages share one version; they have ${[...versions].join(", ")}.`);
}
console.log(
  failures === 0 ? `ok      ${folders.size} packages changed since ${base.slice(0, 8)}, each with a changeset` : "",
);
process.exitCode = failures === 0 ? 0 : 1;
