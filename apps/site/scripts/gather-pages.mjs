/**
 * Makes the pages that are not written here: the API reference from the packages' sources, the repository's documents,
 * and the changelogs. They lie in folders that git ignores.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { repository } from "./repository.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const pages = fileURLToPath(new URL("../pages", import.meta.url));
/** What users import, the contract first. */
const packages = [
  "kiln-gpu",
  "core",
  "backend-persistent",
  "backend-one-shot",
  "kernels",
  "observability",
  "software-gpu",
  "webgpu",
  "cli",
].filter((name) => existsSync(join(root, "packages", name, "src/index.ts")));

gatherDocuments();
gatherChangelogs();
await writeReference();

/** Copies `docs/`, ROADMAP.md and CONTRIBUTING.md. Links out of them lead to the repository. */
function gatherDocuments() {
  rmSync(join(pages, "docs"), { recursive: true, force: true });
  const documents = readdirSync(join(root, "docs"), { recursive: true }).map((path) => join("docs", String(path)));
  for (const path of [...documents, "ROADMAP.md", "CONTRIBUTING.md", "SECURITY.md"]) {
    const target = join(pages, path.startsWith("docs") ? path : join("docs", path.toLowerCase()));
    if (/\.(svg|png|json)$/.test(path)) {
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(root, path), target);
    } else if (path.endsWith(".md")) {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, escapeTags(withLinks(readFileSync(join(root, path), "utf8"), path)));
    }
  }
}

/** `text` of the document at `path`, whose links lead to pages of the site or to the repository. */
function withLinks(text, path) {
  return text.replace(/\]\(([^)#:\s]+)(#[^)]*)?\)/g, (_, target, hash = "") => {
    const from = posix.normalize(posix.join(posix.dirname(path), target));
    if (from.startsWith("docs/") && /\.(md|svg|json)$/.test(from)) return `](/${from.replace(/\.md$/, "")}${hash})`;
    const copied = { "ROADMAP.md": "roadmap", "CONTRIBUTING.md": "contributing", "SECURITY.md": "security" }[from];
    if (copied) return `](/docs/${copied}${hash})`;
    if (from === "docs" || from === "docs/results" || from === "docs/results/") return "](/about/results)";
    if (from === "docs/decisions" || from === "docs/decisions/") return "](/about/architecture#decisions)";
    return `](${repository}/blob/main/${from}${hash})`;
  });
}

/** Vue would read `<T>` outside of code as an element. */
function escapeTags(text) {
  let isCode = false;
  return text
    .split("\n")
    .map((line) => {
      if (/^\s*```/.test(line)) isCode = !isCode;
      if (isCode) return line;
      return line
        .split(/(`[^`]*`)/)
        .map((part, i) =>
          i % 2 === 1 ? part : part.replace(/<(?=[A-Za-z/])/g, "&lt;").replaceAll("{{", "&#123;&#123;"),
        )
        .join("");
    })
    .join("\n");
}

function gatherChangelogs() {
  const own = join(root, "CHANGELOG.md");
  const files = existsSync(own) ? [own] : packages.map((name) => join(root, "packages", name, "CHANGELOG.md"));
  const texts = files.filter(existsSync).map((file) => readFileSync(file, "utf8").replace(/^# (.+)$/m, "## $1"));
  const target = join(pages, "about/changelog-text.md");
  writeFileSync(target, escapeTags(texts.join("\n\n")));
}

/** The API reference: a folder for each package, from the docstrings in its sources. */
async function writeReference() {
  const out = join(pages, "api");
  rmSync(out, { recursive: true, force: true });
  for (const name of packages) {
    const folder = join(root, "packages", name);
    const { name: packageName } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const app = await Application.bootstrapWithPlugins({
      plugin: ["typedoc-plugin-markdown"],
      name: packageName,
      entryPoints: [join(folder, "src/index.ts")],
      tsconfig: join(root, "tsconfig.json"),
      compilerOptions: { noEmit: true, skipLibCheck: true },
      out: join(out, name),
      readme: "none",
      entryFileName: "index",
      excludeInternal: true,
      excludePrivate: true,
      disableSources: true,
      hideBreadcrumbs: true,
      hidePageHeader: true,
      useCodeBlocks: true,
      expandObjects: true,
      parametersFormat: "table",
      propertiesFormat: "table",
      router: "kind",
      sanitizeComments: true,
      logLevel: "Error",
      validation: false,
      skipErrorChecking: true,
    });
    const project = await app.convert();
    if (!project) throw new Error(`typedoc cannot read the package ${packageName}.`);
    await app.generateOutputs(project);
  }
  const rows = packages.map((name) => {
    const { name: packageName, description } = JSON.parse(
      readFileSync(join(root, "packages", name, "package.json"), "utf8"),
    );
    return `| [\`${packageName}\`](./${name}/index.md) | ${description} |`;
  });
  const text = `# API reference

Made from the docstrings of the sources. Each package can be installed alone.

| package | what it is |
| --- | --- |
${rows.join("\n")}
`;
  writeFileSync(join(out, "index.md"), text);
}
