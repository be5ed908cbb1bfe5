/**
 * Checks every public package as it would be published: packs it, checks the tarball with publint, "are the types
 * wrong" and rules of our own, and imports the built files by themselves, which must print nothing and leave nothing
 * running.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name) => join(root, "node_modules/.bin", name);
const repository = "https://github.com/kiln-gpu/kiln";
/** SECURITY.md says that no package does any of this, but for one request, and the health server of a worker. */
const oneRequest = "const response = await fetch(place);";
const healthServer = 'import { createServer } from "node:http";';
const forbidden =
  /\beval\(|\bnew Function\(|\bfetch\(|\bXMLHttpRequest\b|\bWebSocket\b|node:(http|https|http2|net|tls|dgram|vm)"/;
let failures = 0;

async function check(name, work) {
  try {
    await work();
    console.log(`ok      ${name}`);
  } catch (error) {
    failures += 1;
    console.log(
      `FAILED  ${name}\n${error.stdout ?? ""}${error.stderr ?? ""}${error.stdout === undefined ? error : ""}`,
    );
  }
}

/** Throws where a list of problems is not empty. */
function none(problems) {
  if (problems.length > 0) throw new Error(problems.join("; "));
}

/** @param packed The unpacked tarball: its folder, the paths in it and its manifest. */
function problemsOfManifest(entry, { paths, manifest }) {
  const { name, description, keywords = [], homepage, bugs, license, engines, publishConfig = {} } = manifest;
  const directory = `packages/${entry}`;
  const dependencies = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies });
  return [
    !description && "has no description",
    keywords.length < 4 && "has fewer than four keywords",
    homepage !== `${repository}/tree/main/${directory}#readme` && `has the homepage ${homepage}`,
    (bugs?.url ?? bugs) !== `${repository}/issues` && `has the page for bugs ${bugs?.url ?? bugs}`,
    // npm compares these with the repository that builds, before it states the provenance of a package.
    manifest.repository?.url !== `git+${repository}.git` && `has the repository ${manifest.repository?.url}`,
    manifest.repository?.directory !== directory && `has the directory ${manifest.repository?.directory}`,
    publishConfig.access !== "public" && "is not published to the public",
    publishConfig.provenance !== true && "is published without provenance",
    !license && "has no license",
    !paths.some((path) => /^LICEN[SC]E/.test(path)) && "packs no license",
    engines?.node !== ">=20.19" && `has engines of ${engines?.node}`,
    manifest.devDependencies && "has devDependencies, which may be private",
    manifest.scripts && `has the scripts ${Object.keys(manifest.scripts)}`,
    ...dependencies.map(([other, range]) => /^(workspace|file|link):/.test(range) && `needs ${other} of ${range}`),
    ...Object.keys(manifest.exports ?? {}).map(
      (door) => JSON.stringify(manifest.exports[door]).includes("src/") && `exports sources as ${name}, "${door}"`,
    ),
  ].filter(Boolean);
}

function problemsOfFiles({ paths }) {
  const tests = paths.filter((path) => /\.(test|test-support)\.|(^|\/)tests?\//.test(path));
  const needed = ["README.md", "package.json"].filter((path) => !paths.includes(path));
  return [...tests.map((path) => `packs ${path}`), ...needed.map((path) => `does not pack ${path}`)];
}

async function problemsOfLinks({ folder }) {
  const problems = [];
  for (const name of ["README.md", "CHANGELOG.md"]) {
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (!/^(https:|#)/.test(target)) problems.push(`${name} links to ${target}, which npm's page does not have`);
    }
  }
  return problems;
}

/** Each map leads to sources in the package, and none of them carries the sources itself. */
async function problemsOfMaps({ folder, paths }) {
  const problems = [];
  for (const path of paths.filter((name) => name.endsWith(".map"))) {
    const { sources, sourcesContent } = JSON.parse(await readFile(join(folder, path), "utf8"));
    if (sourcesContent) problems.push(`${path} carries sources`);
    for (const source of sources) {
      const place = relative(folder, join(folder, dirname(path), source));
      if (!paths.includes(place)) problems.push(`${path} leads to ${place}, which is not packed`);
    }
  }
  const declarations = paths.filter((path) => path.startsWith("dist/") && path.endsWith(".d.ts"));
  return [
    ...problems,
    ...declarations.filter((path) => !paths.includes(`${path}.map`)).map((path) => `${path} has no map`),
  ];
}

/** Packs a package as it would be published, and unpacks it again. */
async function pack(path, work) {
  const folder = await mkdtemp(join(tmpdir(), "kiln-pack-"));
  try {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", folder], { cwd: path });
    const { filename, files } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    const tarball = filename.startsWith("/") ? filename : join(folder, filename);
    await run("tar", ["-xzf", tarball, "-C", folder]);
    const unpacked = join(folder, "package");
    const manifest = JSON.parse(await readFile(join(unpacked, "package.json"), "utf8"));
    await work({ tarball, folder: unpacked, paths: files.map(({ path: file }) => file), manifest });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const entry of (await readdir(join(root, "packages"))).sort()) {
  const path = join(root, "packages", entry);
  const { name, private: isPrivate } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
  if (isPrivate) continue;
  await pack(path, async (packed) => {
    const { tarball, folder, paths, manifest } = packed;
    await check(`${name}: manifest`, () => none(problemsOfManifest(entry, packed)));
    await check(`${name}: files`, () => none(problemsOfFiles(packed)));
    await check(`${name}: links`, async () => none(await problemsOfLinks(packed)));
    await check(`${name}: maps`, async () => none(await problemsOfMaps(packed)));
    await check(`${name}: publint`, () => run(bin("publint"), ["run", tarball, "--strict"], { cwd: root }));
    const doors = Object.entries(manifest.exports);
    const modules = doors.filter(([, { default: file }]) => file?.endsWith(".js"));
    // Other files have no types: binaries, and what a manifest says of itself.
    const others = doors.filter((door) => !modules.includes(door)).flatMap(([door]) => ["--exclude-entrypoints", door]);
    if (modules.length > 0) {
      await check(`${name}: types`, () =>
        run(bin("attw"), [tarball, "--profile", "esm-only", "--no-color", ...others], { cwd: root }),
      );
    }
    for (const [door, { default: file }] of modules) {
      await check(`${name}, "${door}": imports alone and silently`, async () => {
        const script = `
          await import(${JSON.stringify(join(path, file))});
          const isBusy = process.getActiveResourcesInfo().some((kind) => /Timeout|Immediate|Worker/.test(kind));
          if (isBusy) process.exit(3);`;
        const output = await run(process.execPath, ["--input-type=module", "-e", script]);
        if (output.stdout !== "" || output.stderr !== "") throw new Error(`prints ${output.stdout}${output.stderr}`);
      });
    }
    await check(`${name}: evaluates no text, opens no connection`, async () => {
      for (const file of paths.filter((packedPath) => packedPath.endsWith(".js"))) {
        let text = (await readFile(join(folder, file), "utf8")).replace(oneRequest, "");
        if (name === "@kiln-gpu/backend-remote") text = text.replace(healthServer, "");
        const found = text.match(forbidden);
        if (found) throw new Error(`${file} has "${found[0]}"`);
      }
    });
  });
}
process.exitCode = failures === 0 ? 0 : 1;
