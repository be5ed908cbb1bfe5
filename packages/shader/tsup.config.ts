import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { build } from "../../tools/tsconfig/tsup.js";

/**
 * Programs are stored on disk under the hash of the sources that read them, since other sources may read something
 * else.
 */
const sources = createHash("sha256");
for (const name of readdirSync("src", { recursive: true, encoding: "utf8" }).sort()) {
  if (name.endsWith(".ts") && !/\.test(-support)?\.ts$/.test(name))
    sources.update(`${name}\n${readFileSync(`src/${name}`, "utf8")}`);
}

export default build({ define: { KILN_SHADER_SOURCES: JSON.stringify(sources.digest("hex")) } });
