/** Where the site's links to the repository lead. */
import { readFileSync } from "node:fs";

const core = new URL("../../../packages/core/package.json", import.meta.url);
const { repository: named } = JSON.parse(readFileSync(core, "utf8"));

export const repository = (named?.url ?? "https://github.com/kiln-gpu/kiln")
  .replace(/^git\+/, "")
  .replace(/\.git$/, "");
