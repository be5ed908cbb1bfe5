/** How each package manager installs packages in an empty folder, and where it must be told something. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * pnpm asks whether npm webgpu may run its install script, which does nothing outside of macOS. Without an answer pnpm
 * 10 warns and pnpm 12 ends with an error.
 */
const pnpmSettings = "allowBuilds:\n  webgpu: false\n";

const npmrc = (registry) => ({ ".npmrc": `registry=${registry}\n` });
const yarnrc = (registry, linker) => ({
  ".yarnrc.yml":
    `npmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\n` +
    `nodeLinker: ${linker}\n`,
  // A folder below another project is a project of its own only if it has a lock file.
  "yarn.lock": "",
});

/**
 * `run` is what runs a script afterwards, if that is not Node itself. `program` is a path below `programs/node_modules`;
 * a program that is not JavaScript brings its own runtime.
 */
export const managers = [
  { name: "npm", program: "npm/bin/npm-cli.js", add: ["install", "--no-audit", "--no-fund"], files: npmrc },
  {
    name: "npm, engine-strict",
    program: "npm/bin/npm-cli.js",
    add: ["install", "--no-audit", "--no-fund", "--engine-strict"],
    files: npmrc,
  },
  {
    name: "pnpm 10",
    program: "pnpm-10/bin/pnpm.cjs",
    add: ["add"],
    files: (registry) => ({ ...npmrc(registry), "pnpm-workspace.yaml": pnpmSettings }),
  },
  {
    name: "pnpm 12",
    program: "pnpm-12/bin/pnpm.mjs",
    add: ["add"],
    files: (registry) => ({ ...npmrc(registry), "pnpm-workspace.yaml": pnpmSettings }),
  },
  {
    name: "pnpm 12, engineStrict",
    program: "pnpm-12/bin/pnpm.mjs",
    add: ["add"],
    files: (registry) => ({ ...npmrc(registry), "pnpm-workspace.yaml": `${pnpmSettings}engineStrict: true\n` }),
  },
  { name: "yarn 1", program: "yarn-1/bin/yarn.js", add: ["add", "--non-interactive"], files: npmrc },
  {
    name: "yarn 4",
    program: "yarn-4/bin/yarn.js",
    add: ["add"],
    files: (registry) => yarnrc(registry, "node-modules"),
  },
  {
    name: "yarn 4, PnP",
    program: "yarn-4/bin/yarn.js",
    add: ["add"],
    files: (registry) => yarnrc(registry, "pnp"),
    run: ["node"],
  },
  {
    name: "Bun",
    program: "@oven/bun-linux-x64/bin/bun",
    add: ["add"],
    files: (registry) => ({ "bunfig.toml": `[install]\nregistry = "${registry}"\n` }),
  },
];

/** Makes a project of a user's, with nothing in it but what the manager must be told. */
export async function writeProject(folder, manager, registry) {
  const manifest = { name: "user", version: "1.0.0", private: true, type: "module" };
  const files = { "package.json": JSON.stringify(manifest, undefined, 2), ...manager.files(registry) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

/** The command line by which `node` runs the manager with `args`. */
export function commandOf({ program }, programs, node, args) {
  const path = join(programs, program);
  return /\.[cm]?js$/.test(program) ? [node, path, ...args] : [path, ...args];
}

/** Lines in which a manager complains; what it says of its own update, or of the folder's description, is not about us. */
export function complaintsIn(output) {
  return output
    .split("\n")
    .filter((line) => /\bwarn|ERR|error|deprecated|unsupported|EBADENGINE|ignored build/i.test(line))
    .filter((line) => !/No license field|npm notice|Update available|YN0000: .*with warnings/i.test(line));
}
