/**
 * Checks every public package as it would be published: packs it, checks the tarball with publint and "are the types
 * wrong", and imports the built file by itself, which must print nothing and leave nothing running.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "kiln-pack-"));
/** SECURITY.md says that no package does any of this, but for one request. */
const oneRequest = "const response = await fetch(place);";
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

try {
  for (const entry of (await readdir(join(root, "packages"))).sort()) {
    const path = join(root, "packages", entry);
    const manifest = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
    const { name, private: isPrivate } = manifest;
    if (isPrivate) continue;
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", folder], { cwd: path });
    const { filename, files } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    const tarball = filename.startsWith("/") ? filename : join(folder, filename);
    await check(`${name}: packs no tests`, () => {
      const tests = files.filter(({ path: file }) => /\.(test|test-support)\./.test(file));
      if (tests.length > 0) throw new Error(`packs ${tests.map(({ path: file }) => file).join(", ")}`);
    });
    await check(`${name}: publint`, () =>
      run("npx", ["--no-install", "publint", "run", tarball, "--strict"], { cwd: root }),
    );
    // A package of binaries has nothing to import.
    const doors = Object.entries(manifest.publishConfig.exports ?? {}).filter(([, door]) => door.default);
    const others = Object.keys(manifest.publishConfig.exports ?? {}).flatMap((door) =>
      doors.some(([other]) => other === door) ? [] : ["--exclude-entrypoints", door],
    );
    if (doors.length > 0) {
      await check(`${name}: types`, () =>
        run("npx", ["--no-install", "attw", tarball, "--profile", "esm-only", "--no-color", ...others], { cwd: root }),
      );
    }
    for (const [door, { default: file }] of doors) {
      await check(`${name}, "${door}": imports alone and silently`, async () => {
        const script = `
          await import(${JSON.stringify(join(path, file))});
          const isBusy = process.getActiveResourcesInfo().some((kind) => /Timeout|Immediate|Worker/.test(kind));
          if (isBusy) process.exit(3);`;
        const output = await run(process.execPath, ["--input-type=module", "-e", script]);
        if (output.stdout !== "" || output.stderr !== "") throw new Error(`prints ${output.stdout}${output.stderr}`);
      });
    }
    await check(`${name}: evaluates no text, opens no connection, runs nothing at install`, async () => {
      const scripts = Object.keys(manifest.scripts ?? {}).filter((script) =>
        /^(pre|post)?install$|^prepare$/.test(script),
      );
      if (scripts.length > 0) throw new Error(`has the scripts ${scripts.join(", ")}`);
      for (const file of await readdir(join(path, "dist"))) {
        if (!file.endsWith(".js")) continue;
        const found = (await readFile(join(path, "dist", file), "utf8")).replace(oneRequest, "").match(forbidden);
        if (found) throw new Error(`dist/${file} has "${found[0]}"`);
      }
    });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
