import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { build } from "../../tools/tsconfig/tsup.js";

/** What this build reads out of a shader is kept on disk under this: other sources may read something else. */
const sources = createHash("sha256");
for (const name of readdirSync("src").sort()) {
  if (!/\.test(-support)?\.ts$/.test(name)) sources.update(`${name}\n${readFileSync(`src/${name}`, "utf8")}`);
}

export default build({ define: { KILN_SHADER_SOURCES: JSON.stringify(sources.digest("hex")) } });
