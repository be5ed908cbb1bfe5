import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finding } from "./finding.js";

const lockFiles = [
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
  ["package-lock.json", "npm"],
] as const;

/** The package manager of the project in `folder`, and whether its settings let npm `webgpu` install in peace. */
export function packageManagerFinding(folder: string, environment: NodeJS.ProcessEnv = process.env): Finding {
  const name = "Package manager";
  const project = projectOf(folder);
  if (project === undefined) {
    return { status: "note", name, found: "this folder is in no project", advice: "kiln init makes one." };
  }
  const packageManager = managerOf(project);
  const [lockFile, byLock] = lockFiles.find(([file]) => existsSync(join(project, file))) ?? [];
  const [, agent, agentVersion] = /^(\w+)\/(\S+)/.exec(environment.npm_config_user_agent ?? "") ?? [];
  const manager = packageManager?.split("@")[0] ?? byLock ?? agent;
  if (manager === undefined) {
    return { status: "note", name, found: "none has installed anything here", advice: "Run npm install." };
  }
  const how = packageManager ?? (agent === manager ? `${agent} ${agentVersion}` : `${manager}, by ${lockFile}`);
  if (manager !== "pnpm" || saysAboutWebgpu(project)) return { status: "ok", name, found: how };
  return {
    status: "note",
    name,
    found: `${how}, which asks whether npm "webgpu" may run its install script`,
    advice:
      'The script is not needed. Say so in pnpm-workspace.yaml, in two lines: "allowBuilds:" and "  webgpu: false".',
  };
}

/** The nearest folder that says which package manager it has, or else the nearest with a package.json. */
function projectOf(folder: string): string | undefined {
  let nearest: string | undefined;
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) {
      nearest ??= at;
      if (managerOf(at) || lockFiles.some(([file]) => existsSync(join(at, file)))) return at;
    }
    if (at === dirname(at)) return nearest;
  }
}

function saysAboutWebgpu(project: string): boolean {
  const texts = ["pnpm-workspace.yaml", "package.json"].map((file) => {
    const path = join(project, file);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  });
  return /(allowBuilds|onlyBuiltDependencies|ignoredBuiltDependencies).*webgpu/s.test(texts.join("\n"));
}

/** What the folder's package.json names as its package manager: `pnpm@12.21.0`. */
function managerOf(folder: string): string | undefined {
  try {
    const { packageManager } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof packageManager === "string" ? packageManager : undefined;
  } catch {
    return undefined;
  }
}
