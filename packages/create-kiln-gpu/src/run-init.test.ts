import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { runInit } from "./index.js";

async function createFolder(files: { readonly [path: string]: string } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kiln-init-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

function collect() {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

async function init(folder: string, args: readonly string[] = [], agent?: string) {
  const [output, errors] = [collect(), collect()];
  const code = await runInit("kiln init", args, { folder, output: output.stream, errors: errors.stream, agent });
  return { code, output: output.text(), errors: errors.text() };
}

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const manifestIn = async (folder: string) => JSON.parse(await readFile(join(folder, "package.json"), "utf8"));

const made = [".gitignore", "package.json", "src/main.ts", "src/scale.test.ts", "src/scale.wgsl", "src/scale.wgsl.ts"];

it("makes a project in a new folder, and says what comes next", async () => {
  const folder = await createFolder();
  const { code, output, errors } = await init(folder, ["My kernels"]);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(output).toMatch(/\n\nNext:\n {2}cd My kernels\n {2}npm install\n {2}npm test\n$/);
  const project = join(folder, "My kernels");
  expect(await filesIn(project)).toEqual([...made, "tsconfig.json"]);
  const { name, type, scripts, dependencies, allowScripts } = await manifestIn(project);
  expect([name, type, allowScripts]).toEqual(["my-kernels", "module", { webgpu: false }]);
  expect(Object.keys(scripts)).toEqual(["dev", "build", "start", "test"]);
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  expect(dependencies).toEqual({ "kiln-gpu": `^${version}` });
});

it.each([
  ["pnpm/12.21.0 npm/? node/v20.20.2 linux x64", [], "pnpm", "pnpm-workspace.yaml", "allowBuilds:\n  webgpu: false\n"],
  ["yarn/4.9.0 npm/? node/v20.20.2 linux x64", [], "yarn", ".yarnrc.yml", "nodeLinker: node-modules\n"],
  [undefined, ["--package-manager", "pnpm"], "pnpm", "pnpm-workspace.yaml", "webgpu: false"],
] as const)("writes the settings of the package manager: %s %j", async (agent, args, manager, file, text) => {
  const folder = await createFolder();
  const { output } = await init(folder, args, agent);
  expect(output).toContain(`Next:\n  ${manager} install\n  ${manager} test\n`);
  expect(await readFile(join(folder, file), "utf8")).toContain(text);
});

it("adds to the package.json that npm init makes", async () => {
  const fresh = {
    name: "given",
    version: "1.0.0",
    scripts: { test: 'echo "Error: no test specified" && exit 1' },
    type: "commonjs",
  };
  const folder = await createFolder({ "package.json": JSON.stringify(fresh) });
  expect(await init(folder)).toMatchObject({ code: 0 });
  const { name, version, type, scripts } = await manifestIn(folder);
  expect([name, version, type]).toEqual(["given", "1.0.0", "module"]);
  expect(scripts.test).toContain("node --test");
});

it("keeps scripts, dependencies and versions that are there", async () => {
  const given = {
    type: "module",
    scripts: { test: "vitest run" },
    dependencies: { express: "^5.0.0" },
    devDependencies: { typescript: "^5.9.0" },
  };
  const folder = await createFolder({ "package.json": JSON.stringify(given) });
  expect(await init(folder)).toMatchObject({ code: 0 });
  const { scripts, dependencies, devDependencies } = await manifestIn(folder);
  expect(scripts).toMatchObject({ test: "vitest run", build: "kiln codegen src && tsc" });
  expect(Object.keys(dependencies)).toEqual(["express", "kiln-gpu"]);
  expect(devDependencies.typescript).toBe("^5.9.0");
});

it.each([
  [{ "tsconfig.json": "{}", "src/scale.wgsl": "" }, [], / already has tsconfig\.json, src\/scale\.wgsl\.$/m],
  [{ "package.json": '{ "dependencies": { "express": "*" } }' }, [], /must say "type": "module", .* got no type\.$/m],
  [{ "package.json": "{" }, [], /package\.json must be JSON: /],
  [{}, ["a", "b"], /^One folder is made at a time; got 2\.$/m],
  [{}, ["--package-manager", "cargo"], /^--package-manager must be npm, pnpm, yarn, bun; got "cargo"\.$/m],
  [{}, ["--force"], /'--force'/],
])("changes nothing and says why: %j %j", async (files, args, problem) => {
  const folder = await createFolder(files as { [path: string]: string });
  const { code, output, errors } = await init(folder, args);
  expect(errors).toMatch(problem);
  expect({ code, output }).toEqual({ code: 2, output: "" });
  expect(await filesIn(folder)).toEqual(Object.keys(files).sort());
});

it("prints its help", async () => {
  const { code, output } = await init(await createFolder(), ["-h"]);
  expect([code, output.split("\n")[0]]).toEqual([0, "Usage: kiln init [folder] [options]"]);
});
