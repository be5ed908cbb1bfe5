/** What each package manager needs said in its own file, and how its commands are spelt. */

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManager = (typeof packageManagers)[number];

/** @param agent What a package manager puts into `npm_config_user_agent`: `pnpm/12.21.0 npm/? node/v20.19.0`. */
export function packageManagerOf(agent: string | undefined): PackageManager {
  const [, name] = /^(\w+)\//.exec(agent ?? "") ?? [];
  return packageManagers.find((known) => known === name) ?? "npm";
}

/** The files by which a package manager installs without questions. */
export function settingsOf(manager: PackageManager): { readonly [path: string]: string } {
  switch (manager) {
    case "pnpm":
      return {
        "pnpm-workspace.yaml": `# npm "webgpu" has an install script that it does not need.
allowBuilds:
  webgpu: false
`,
      };
    case "yarn":
      return { ".yarnrc.yml": "nodeLinker: node-modules\n" };
    default:
      return {};
  }
}
