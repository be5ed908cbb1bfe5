/** Code blocks of Markdown files, as programs to check and run. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type NodeEnd, runNode } from "@kiln-gpu/processes";
import ts from "typescript";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

export interface Example {
  readonly name: string;
  readonly language: string;
  /** The words after the language, such as `check`. */
  readonly words: readonly string[];
  readonly path: string;
  readonly code: string;
}

/**
 * The blocks of `document` in one of `languages`, each written to a file.
 * @param folder Where the files go: from there, an import resolves as in a user's project.
 */
export function examplesOf(document: string, languages: readonly string[], folder: string): Example[] {
  const text = readFileSync(join(root, document), "utf8");
  const blocks = [...text.matchAll(/^```([\w-]+)([^\n]*)\n(.*?)^```/gms)];
  return blocks
    .filter(([, language]) => languages.includes(language!))
    .map(([, language, words, code], i) => {
      const name = `${relative(root, join(root, document))}, example ${i + 1}`;
      const path = join(folder, `${name.replace(/[^a-z0-9]+/gi, "-")}-${language}.mts`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code!);
      return { name, language: language!, words: words!.split(/\s+/).filter(Boolean), path, code: code! };
    });
}

/** The errors that TypeScript finds in `examples`, with the options of this repository and with `strict` alone. */
export function typeErrors(examples: readonly Example[]): string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options: own } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const options = { ...own, customConditions: [], noUnusedLocals: false };
  // More options are not only stricter: this one also lets an inferred member that is missing be missing.
  const strictAlone = { ...options, exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false };
  return [options, strictAlone].flatMap((each) => errorsIn(examples, each));
}

function errorsIn(examples: readonly Example[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(
    examples.map(({ path }) => path),
    options,
  );
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}

/** Runs `example` in a process of its own. */
export function runExample({ path, code }: Example, env: NodeJS.ProcessEnv = process.env): Promise<NodeEnd> {
  // Node 20 and 22 do not know `await using`; the target lowers it, as a user's compiler does.
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const file = path.replace(/\.mts$/, ".mjs");
  writeFileSync(file, ts.transpileModule(code, { compilerOptions }).outputText);
  return runNode([file], { cwd: dirname(path), env });
}
