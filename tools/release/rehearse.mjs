/**
 * Rehearses a release of the last commit: makes its versions, packs every package, and uses the tarballs as users do.
 * Nothing is published, and the working tree stays as it is.
 *
 *     node tools/release/rehearse.mjs [--managers "npm,yarn 4"] [--nodes 20,26]
 *
 * Needs built packages (`pnpm run build`). The package managers and other versions of Node have a lock file of their
 * own in `programs`, and are installed below .cache.
 */
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import ts from "typescript";
import { commandOf, complaintsIn, managers, writeProject } from "./managers.mjs";
import { serveRegistry } from "./registry.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, ".cache/release");
const { values: options } = parseArgs({
  options: { managers: { type: "string" }, nodes: { type: "string" } },
});
const chosen = (list, all) => list?.split(",") ?? all;
const nodes = chosen(options.nodes, ["20", "22", "24", "26"]);
const names = chosen(
  options.managers,
  managers.map(({ name }) => name),
);
const allowedLicenses = ["MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "0BSD"];
/** Bounds of what an install weighs, in MB: what is measured now and a tenth more. */
const heaviest = { "kiln-gpu": 165, "without the software GPU": 157 };

let failures = 0;
async function step(name, work) {
  const begin = performance.now();
  try {
    const said = await work();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`ok      ${name}${said ? `: ${said}` : ""} (${seconds} s)`);
    return true;
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}\n${error.stdout ?? ""}${error.stderr ?? ""}${error.stack ?? error}`);
    return false;
  }
}

/** Runs a command in a folder with a home of its own, and resolves with all that it writes. */
async function command([file, ...args], { cwd, home, env = {} }) {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_PATH|PNPM)/i.test(name)),
  );
  const child = spawn(file, args, {
    cwd,
    env: { ...clean, HOME: home, XDG_CACHE_HOME: join(home, ".cache"), NO_COLOR: "1", CI: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (status !== 0) throw new Error(`${[file, ...args].join(" ")} ends with ${status}:\n${output}`);
  return output;
}

/** A copy of the last commit with the next versions, and the built files of this working tree. */
async function makeVersions(folder) {
  await run("git", ["clone", "--quiet", "--no-hardlinks", root, folder]);
  await run("pnpm", ["install", "--offline", "--frozen-lockfile", "--ignore-scripts"], { cwd: folder });
  await run(join(root, "node_modules/.bin/changeset"), ["version"], { cwd: folder });
  const left = (await readdir(join(folder, ".changeset"))).filter((name) => name.endsWith(".md"));
  if (left.length > 0) throw new Error(`The changesets ${left.join(", ")} are left.`);
  const packages = [];
  for (const entry of (await readdir(join(folder, "packages"))).sort()) {
    const path = join(folder, "packages", entry);
    const manifest = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
    if (manifest.private) continue;
    await cp(join(root, "packages", entry, "dist"), join(path, "dist"), { recursive: true });
    packages.push({ entry, path, version: manifest.version });
  }
  const versions = new Set(packages.map(({ version }) => version));
  if (versions.size !== 1) throw new Error(`The packages have the versions ${[...versions].join(", ")}.`);
  return packages;
}

async function pack({ path, version }, destination) {
  const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", destination], { cwd: path });
  const { filename, files } = JSON.parse(stdout.slice(stdout.indexOf("{")));
  const tarball = filename.startsWith("/") ? filename : join(destination, filename);
  const { stdout: text } = await run("tar", ["-xzOf", tarball, "package/package.json"]);
  const manifest = JSON.parse(text);
  const { stdout: changelog } = await run("tar", ["-xzOf", tarball, "package/CHANGELOG.md"]);
  if (!changelog.includes(`## ${version}`)) throw new Error(`The changelog of ${manifest.name} has no ${version}.`);
  if (!files.some(({ path: file }) => file === "LICENSE")) throw new Error(`${manifest.name} packs no LICENSE.`);
  return { name: manifest.name, manifest, tarball };
}

/** The examples in TypeScript and JavaScript of every README of a package, as JavaScript that each Node runs. */
async function examplesOf(packages) {
  const documents = [
    { name: "README.md", path: join(root, "README.md") },
    ...packages.map(({ entry, path }) => ({ name: entry, path: join(path, "README.md") })),
  ];
  const examples = [];
  for (const { name, path } of documents) {
    const blocks = [...(await readFile(path, "utf8")).matchAll(/^```(ts|js)\n(.*?)^```/gms)];
    for (const [i, [, , code]] of blocks.entries()) examples.push({ name: `${name}, example ${i + 1}`, code });
  }
  return examples;
}

function asJavaScript(code) {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}

const firstExample = `
import { defineKernel, openPersistentBackend, output, softwareGpu } from "kiln-gpu";
const scale = defineKernel({
  label: "scale",
  wgsl: \`@group(0) @binding(0) var<storage, read> x: array<f32>;
         @group(0) @binding(1) var<uniform> factor: f32;
         @group(0) @binding(2) var<storage, read_write> y: array<f32>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
           if (id.x < arrayLength(&y)) { y[id.x] = factor * x[id.x]; }
         }\`,
});
const gpu = await openPersistentBackend({ fallback: softwareGpu });
const { y } = await gpu.run(scale, { x: new Float32Array([1, 2, 3]), factor: 2, y: output(Float32Array, 3) });
await gpu.dispose();
console.log([...y].join());
`;

/** The bytes of the files below a folder, in MB; a file with several names counts once. */
async function megabytes(folder) {
  const { stdout } = await run("du", ["-sb", folder]);
  return Number(stdout.split("\t")[0]) / 1e6;
}

const work = await mkdtemp(join(tmpdir(), "kiln-release-"));
let registry;
try {
  await mkdir(cache, { recursive: true });
  let packages;
  const packed = [];
  await step("versions", async () => {
    packages = await makeVersions(join(work, "repository"));
    return `${packages.length} packages, ${packages[0].version}`;
  });
  await step("tarballs", async () => {
    await mkdir(join(work, "tarballs"));
    for (const one of packages) packed.push(await pack(one, join(work, "tarballs")));
  });
  const programs = join(cache, "programs/node_modules");
  await step("package managers and versions of Node", async () => {
    await cp(fileURLToPath(new URL("programs", import.meta.url)), join(cache, "programs"), { recursive: true });
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    const lock = "node_modules/.package-lock.json";
    const [wanted, there] = await Promise.all(
      ["package-lock.json", lock].map((name) =>
        readFile(join(cache, "programs", name), "utf8").then(JSON.parse, () => undefined),
      ),
    );
    const same = (one) => JSON.stringify(Object.entries(one ?? {}).filter(([path]) => path !== ""));
    if (same(wanted?.packages) !== same(there?.packages)) await run("npm", args, { cwd: join(cache, "programs") });
  });
  const { stdout: upstream } = await run("npm", ["config", "get", "registry"]);
  const { stdout: cafile } = await run("npm", ["config", "get", "cafile"]);
  const isCaNamed = cafile.trim() !== "null" && cafile.trim() !== "";
  const ca = isCaNamed ? [...rootCertificates, await readFile(cafile.trim(), "utf8")] : undefined;
  registry = await serveRegistry(packed, upstream.trim(), ca);
  const nodeOf = (node) => join(programs, `node-${node}/bin/node`);

  const table = [];
  for (const manager of managers.filter(({ name }) => names.includes(name))) {
    const row = { "package manager": manager.name };
    for (const node of nodes) {
      const folder = await mkdtemp(join(work, "project-"));
      const home = join(work, "homes", manager.name);
      await mkdir(home, { recursive: true });
      const passed = await step(`${manager.name}, Node ${node}: installs, and runs a kernel`, async () => {
        await writeProject(folder, manager, registry.origin);
        const path = { PATH: `${join(programs, `node-${node}/bin`)}:${process.env.PATH}` };
        const inFolder = { cwd: folder, home, env: path };
        const said = await command(commandOf(manager, programs, nodeOf(node), [...manager.add, "kiln-gpu"]), inFolder);
        const complaints = complaintsIn(said);
        if (complaints.length > 0) throw new Error(`It complains:\n${complaints.join("\n")}`);
        await writeFile(join(folder, "first.mjs"), firstExample);
        const result = manager.run
          ? await command(commandOf(manager, programs, nodeOf(node), [...manager.run, "first.mjs"]), inFolder)
          : await command([nodeOf(node), "first.mjs"], inFolder);
        if (result !== "2,4,6\n") throw new Error(`The example prints ${result}`);
      });
      row[`Node ${node}`] = passed ? "right" : "WRONG";
      await rm(folder, { recursive: true, force: true });
    }
    table.push(row);
  }
  console.table(table);

  const npm = managers[0];
  const home = join(work, "homes", npm.name);
  await mkdir(home, { recursive: true });
  const install = async (folder, ...wanted) => {
    await mkdir(folder);
    await writeProject(folder, npm, registry.origin);
    const args = [...npm.add, "--ignore-scripts", ...wanted];
    await command(commandOf(npm, programs, process.execPath, args), { cwd: folder, home });
  };

  const weights = {};
  for (const [name, ...args] of [["kiln-gpu"], ["without the software GPU", "--omit=optional"]]) {
    await step(`weight, ${name}`, async () => {
      const folder = join(work, `weight-${args.length}`);
      await install(folder, "kiln-gpu", ...args);
      weights[name] = await megabytes(join(folder, "node_modules"));
      for (const part of ["webgpu", "@kiln-gpu", "kiln-gpu"]) {
        weights[`${name}, ${part}`] = await megabytes(join(folder, "node_modules", part));
      }
      if (weights[name] > heaviest[name]) throw new Error(`${weights[name].toFixed(1)} MB; at most ${heaviest[name]}.`);
      return `${weights[name].toFixed(1)} MB`;
    });
  }

  const all = join(work, "all");
  await step("all packages, beside OpenTelemetry", () =>
    install(all, ...packed.map(({ name }) => name), "@opentelemetry/api@1.9.1", "koffi@3.3.4"),
  );
  await step("licences", async () => {
    const lock = JSON.parse(await readFile(join(all, "package-lock.json"), "utf8"));
    const found = Object.entries(lock.packages).filter(([path]) => path !== "");
    const others = found.filter(([, { license }]) => !allowedLicenses.includes(license));
    if (others.length > 0) throw new Error(others.map(([path, { license }]) => `${path}: ${license}`).join("; "));
    return `${found.length} packages, all ${allowedLicenses.join(", ")}`;
  });

  const modules = packed.flatMap(({ name, manifest }) =>
    Object.entries(manifest.exports).flatMap(([door, { types }]) => (types ? [name + door.slice(1)] : [])),
  );
  const imports = modules.map((name, i) => `import * as m${i} from "${name}";\nvoid m${i};\n`).join("");
  await writeFile(join(all, "all.mts"), imports + firstExample);
  for (const resolution of ["node16", "nodenext", "bundler"]) {
    await step(`types, ${resolution}, skipLibCheck: false`, async () => {
      const compilerOptions = {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: "es2022",
        lib: ["es2023", "esnext.disposable", "dom"],
        module: resolution === "bundler" ? "esnext" : resolution,
        moduleResolution: resolution,
        types: [],
      };
      await writeFile(join(all, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["all.mts"] }));
      await command([process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "."], { cwd: all, home });
    });
  }
  await step("go to definition ends in TypeScript", async () => {
    const messages = [
      { command: "open", arguments: { file: join(all, "all.mts") } },
      { command: "definition", arguments: { file: join(all, "all.mts"), ...placeOf(imports + firstExample) } },
    ];
    const server = spawn(process.execPath, [join(root, "node_modules/typescript/lib/tsserver.js")], { cwd: all });
    const ended = new Promise((resolve) => server.on("close", resolve));
    for (const [i, message] of messages.entries()) {
      server.stdin.write(`${JSON.stringify({ seq: i, type: "request", ...message })}\n`);
    }
    let said = "";
    const file = await new Promise((resolve, reject) => {
      server.on("error", reject);
      server.on("close", () => reject(new Error(`The server has no answer: ${said.slice(-500)}`)));
      server.stdout.on("data", (chunk) => {
        said += chunk;
        const answer = /^\{.*"command":"definition".*\}$/m.exec(said)?.[0];
        if (answer) resolve(JSON.parse(answer).body[0]?.file);
      });
    });
    server.kill();
    await ended;
    if (!/backend-persistent\/src\/open-persistent-backend\.ts$/.test(file)) throw new Error(`It ends in ${file}.`);
  });

  for (const { name, code } of await examplesOf(packages)) {
    // The tests of the READMEs run it beside a Redis.
    if (code.includes("process.env.KILN_QUEUE")) continue;
    await step(`runs ${name}`, async () => {
      const file = join(all, "example.mjs");
      await writeFile(file, asJavaScript(code));
      await command([process.execPath, file], { cwd: all, home });
    });
  }

  await writeFile(join(cache, "report.json"), JSON.stringify({ table, weights }, undefined, 2));
  console.log(weights);
} finally {
  registry?.close();
  await rm(work, { recursive: true, force: true });
}
console.log(failures === 0 ? "The release would work." : `${failures} steps failed.`);
process.exitCode = failures === 0 ? 0 : 1;

/** The line and the column of the call of `openPersistentBackend` in a text. */
function placeOf(text) {
  const before = text.slice(0, text.lastIndexOf("openPersistentBackend(")).split("\n");
  return { line: before.length, offset: before.at(-1).length + 2 };
}
