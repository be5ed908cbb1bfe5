import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "@kiln-gpu/processes";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** Inside this package, so that the examples resolve their imports to the built packages, as in a user's project. */
const folder = fileURLToPath(new URL("../.cache", import.meta.url));

interface Example {
  readonly name: string;
  readonly language: string;
  readonly path: string;
  readonly code: string;
}

const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`);
const examples = ["README.md", "CONTRIBUTING.md", ...packages].flatMap(examplesOf);

function examplesOf(document: string): Example[] {
  const path = join(root, document);
  const blocks = [...readFileSync(path, "utf8").matchAll(/^```(ts|js)\n(.*?)^```/gms)];
  return blocks.map(([, language, code], i) => {
    const name = `${relative(root, path)}, example ${i + 1}`;
    return { name, language: language!, path: join(folder, `${name.replace(/[^a-z0-9]+/gi, "-")}.mts`), code: code! };
  });
}

mkdirSync(folder, { recursive: true });
for (const { path, code } of examples) writeFileSync(path, code);

describe("the examples of the READMEs and of CONTRIBUTING.md", () => {
  it("exist in every one of them", () => {
    const documents = new Set(examples.map(({ name }) => name.replace(/, example.*/, "")));
    expect(documents.size).toBe(2 + packages.length);
  });

  it("pass the type check", () => {
    const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const program = ts.createProgram(
      examples.filter(({ language }) => language === "ts").map(({ path }) => path),
      { ...options, customConditions: [], noUnusedLocals: false },
    );
    const diagnostics = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
      return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    expect(diagnostics).toEqual([]);
  });

  it.each(examples)("run and end by themselves: $name", async ({ path, code }) => {
    // Node 20 and 22 do not know `await using`; the target lowers it, as a user's compiler does.
    const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    const file = path.replace(/\.mts$/, ".mjs");
    writeFileSync(file, ts.transpileModule(code, { compilerOptions }).outputText);
    const { status, words, stderr } = await runNode([file]);
    expect({ status, words }, stderr).toEqual({ status: 0, words: "" });
  });

  it("print what the first example says", async () => {
    const { path } = examples.find(({ name }) => name === "README.md, example 1")!;
    const { stdout } = await runNode([path.replace(/\.mts$/, ".mjs")]);
    expect(stdout).toBe("Float32Array(3) [ 2, 4, 6 ]\n");
  });
});
