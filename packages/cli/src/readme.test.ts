/** Runs the commands of the README, in its order, with the built command. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "@kiln-gpu/processes";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { createProject, scale } from "./project.test-support.js";

const command = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const blocks = (language: string) => [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))];

/** The words of a line as a shell reads them. */
const wordsOf = (line: string) =>
  [...line.replace(/ +#.*$/, "").matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));

it("works as the README says", async () => {
  const image = new PNG({ width: 8, height: 4 });
  image.data.fill(200);
  const project = await createProject({
    "blur.wgsl": blocks("wgsl")[0]![1]!,
    "photo.png": PNG.sync.write(image),
    "shaders/scale.wgsl": scale,
  });
  const lines = blocks("sh").flatMap(([, text]) => text!.split("\n"));
  // A watch and a worker do not end by themselves.
  const commands = lines.filter((line) => line.startsWith("npx kiln ") && !/--watch|kiln worker/.test(line));
  expect(commands.length).toBeGreaterThan(10);
  for (const line of commands) {
    const { status, stdout, words } = await runNode([command, ...wordsOf(line).slice(2)], { cwd: project.folder });
    expect({ line, status, words }, stdout).toEqual({ line, status: 0, words: "" });
  }
  const blurred = PNG.sync.read(await readFile(join(project.folder, "blurred.png")));
  expect([blurred.width, blurred.height, ...new Set(blurred.data)]).toEqual([8, 4, 200]);
  expect(await project.files()).toEqual(
    expect.arrayContaining(["blurred.npy", "my-kernels/src/scale.test.ts", "shaders/scale.wgsl.ts"]),
  );
});
