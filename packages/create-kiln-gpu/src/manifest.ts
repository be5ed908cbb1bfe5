/** The package.json of the project: a new one, or additions to one that is there, as `npm init` makes it. */
import { InitError } from "./init-error.js";

export interface Manifest {
  readonly [name: string]: unknown;
}

type Texts = { readonly [name: string]: string };

const scripts: Texts = {
  dev: "kiln codegen src --watch",
  build: "kiln codegen src && tsc",
  start: "kiln codegen src && tsc && node dist/main.js",
  test: "kiln codegen src && tsc && cd dist && node --test",
};

const unsetTest = /no test specified/;

/**
 * @param version That of Kiln's packages.
 * @throws {InitError} if the manifest says that the project has CommonJS modules and depends on something.
 */
export function manifestOf(existing: Manifest | undefined, name: string, version: string): Manifest {
  const { type, ...rest } = existing ?? { name, version: "0.0.0", private: true };
  const before = { ...rest } as {
    readonly scripts?: Texts;
    readonly dependencies?: Texts;
    readonly devDependencies?: Texts;
    readonly allowScripts?: object;
  };
  const isUsed = Object.keys({ ...before.dependencies, ...before.devDependencies }).length > 0;
  if (existing && type !== "module" && isUsed) {
    throw new InitError(
      'package.json must say "type": "module", because Kiln is made of ECMAScript modules; ' +
        `got ${type === undefined ? "no type" : JSON.stringify(type)}.`,
    );
  }
  const range = `^${version}`;
  const given = { ...before.scripts };
  if (unsetTest.test(given.test ?? "")) delete given.test;
  return {
    ...rest,
    type: "module",
    scripts: { ...scripts, ...given },
    dependencies: { ...before.dependencies, "kiln-gpu": range },
    devDependencies: {
      "@types/node": "^20.19.0",
      typescript: "^6.0.0",
      ...before.devDependencies,
      "@kiln-gpu/cli": range,
    },
    // npm asks whether npm "webgpu" may run its install script, which it does not need.
    allowScripts: { webgpu: false, ...before.allowScripts },
  };
}
