import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig, type Options } from "tsup";
import ts from "typescript";

/**
 * The one build that every package uses: ESM, source maps, declarations and their maps. The maps lead to `src`, which
 * is published beside them, and do not repeat it. With `dts: false` there are no declarations.
 */
export const build = (options: Options = {}) => {
  const { entry = ["src/index.ts"], dts, onSuccess } = options;
  return defineConfig({
    format: "esm",
    target: "es2022",
    platform: "neutral",
    sourcemap: true,
    clean: true,
    removeNodeProtocol: false,
    splitting: true,
    ...options,
    entry,
    dts: false,
    esbuildOptions(esbuild) {
      esbuild.sourcesContent = false;
    },
    async onSuccess() {
      if (dts !== false) declare(Array.isArray(entry) ? entry : Object.values(entry));
      if (typeof onSuccess === "function") await onSuccess();
    },
  });
};

/**
 * Writes the declarations of the entries and of all that these refer to. tsup would bundle them, and a bundle has no
 * maps.
 */
function declare(entry: readonly string[]): void {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: refuse };
  const config = ts.getParsedCommandLineOfConfigFile(
    "tsconfig.json",
    {
      noEmit: false,
      declaration: true,
      declarationMap: true,
      emitDeclarationOnly: true,
      outDir: "dist",
      rootDir: "src",
      // The other packages as their users see them.
      customConditions: [],
    },
    host,
  )!;
  // Ambient declarations are imported by no file.
  const ambient = config.fileNames.filter((path) => path.endsWith(".d.ts"));
  const program = ts.createProgram([...entry, ...ambient], config.options);
  const emitted = new Map<string, string>();
  const { diagnostics } = program.emit(undefined, (path, text) => emitted.set(join(path), text));
  for (const diagnostic of [...ts.getPreEmitDiagnostics(program), ...diagnostics]) refuse(diagnostic);
  // A set also visits what is added on the way.
  const reached = new Set(entry.map((path) => join("dist", path.replace(/^src\/(.*)\.ts$/, "$1.d.ts"))));
  for (const path of reached) {
    for (const { fileName } of ts.preProcessFile(emitted.get(path)!).importedFiles) {
      if (fileName.startsWith(".")) reached.add(join(dirname(path), fileName.replace(/\.js$/, ".d.ts")));
    }
  }
  for (const path of [...reached].flatMap((declarations) => [declarations, `${declarations}.map`])) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, emitted.get(path)!);
  }
}

function refuse({ messageText, file, start }: ts.Diagnostic): never {
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  throw new Error(`${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
}
