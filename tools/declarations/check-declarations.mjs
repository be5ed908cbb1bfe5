/**
 * Type-checks the declarations that Kiln publishes as a user's compiler does with `skipLibCheck: false`: with each
 * TypeScript that Kiln supports, with and without the types of a browser, and each package by itself. Then it checks
 * `consumer.mts`, which uses them. Build first.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const manifest = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const compilers = Object.keys(manifest.dependencies).filter((name) => name.startsWith("typescript-"));
const newest = compilers.at(-1);
/** The oldest library that Kiln needs, the newest one, and each with the types of a browser. */
const libraries = [["ES2022"], ["ES2022", "DOM"], ["ESNext"], ["ESNext", "DOM", "DOM.Iterable"]];
let failures = 0;

const folder = await mkdtemp(join(tmpdir(), "kiln-declarations-"));
try {
  const doors = await installPackages();
  await cp(join(here, "consumer.mts"), join(folder, "consumer.mts"));
  await writeFile(join(folder, "all.ts"), doors.map(importOf).join("\n"));
  for (const compiler of compilers) {
    for (const lib of libraries) await check(compiler, lib, ["all.ts", "consumer.mts"]);
  }
  for (const types of [["@webgpu/types"], ["node"]]) {
    await check(compilers[0], libraries[1], ["all.ts", "consumer.mts"], `, beside the types of ${types}`, types);
  }
  for (const door of doors) {
    const file = `${door.replaceAll(/[@/]/g, "_")}.ts`;
    await writeFile(join(folder, file), importOf(door));
    await check(newest, libraries[0], [file], `, ${door} by itself`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

function importOf(door) {
  return `export * as ${door.replaceAll(/\W/g, "_")} from ${JSON.stringify(door)};`;
}

/** Puts the declarations of every public package where a compiler finds them, as they would be published. */
async function installPackages() {
  const doors = [];
  for (const entry of await readdir(join(root, "packages"))) {
    const path = join(root, "packages", entry);
    const {
      name,
      private: isPrivate,
      type,
      publishConfig,
    } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
    if (isPrivate) continue;
    const installed = join(folder, "node_modules", name);
    await mkdir(installed, { recursive: true });
    await writeFile(join(installed, "package.json"), JSON.stringify({ name, type, ...publishConfig }));
    await cp(join(path, "dist"), join(installed, "dist"), {
      recursive: true,
      filter: (file) => !file.includes(".") || file.endsWith("dist") || file.endsWith(".d.ts"),
    });
    // A file that is no module, such as naga.wasm, has no declarations.
    for (const [door, { types }] of Object.entries(publishConfig.exports ?? {})) {
      if (types) doors.push(`${name}${door.slice(1)}`);
    }
  }
  // An optional peer of the observability package.
  await mkdir(join(folder, "node_modules/@opentelemetry"));
  const peer = join(root, "packages/observability/node_modules/@opentelemetry/api");
  await symlink(peer, join(folder, "node_modules/@opentelemetry/api"));
  await symlink(join(here, "node_modules/@webgpu"), join(folder, "node_modules/@webgpu"));
  await symlink(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return doors;
}

async function check(compiler, lib, files, what = "", types = []) {
  const name = `${compiler} with ${lib.join(" and ")}${what}`;
  const { version } = JSON.parse(await readFile(join(here, "node_modules", compiler, "package.json"), "utf8"));
  const compilerOptions = {
    lib,
    target: "ES2022",
    module: "NodeNext",
    types,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  try {
    await run(process.execPath, [join(here, "node_modules", compiler, "bin/tsc"), "--pretty", "false"], {
      cwd: folder,
      maxBuffer: 2 ** 26,
    });
    console.log(`ok      ${name} (${version})`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name} (${version})\n${error.stdout}${error.stderr}`);
  }
}
