/** Editors show an option's docstring on hover, so it names the default. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const packages = path.join(import.meta.dirname, "../../../packages");
const sources = readdirSync(packages, { recursive: true, encoding: "utf8" })
  .filter((name) => /^[^/]+\/src\/.*\.ts$/.test(name))
  .filter((name) => !/\.test(-support)?\.ts$/.test(name));

/** The interfaces of options: `KeepLimits` are options that have been filled in. */
const optionInterfaces = /^export interface (\w*Options|KeepLimits)\b[^{]*\{\n([\s\S]*?)^\}/gm;
const numericOptions = /((?: {2}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?) {2}readonly (\w+)\??: number;/g;

const options = sources.flatMap((source) =>
  [...readFileSync(path.join(packages, source), "utf8").matchAll(optionInterfaces)].flatMap(([, type, body]) =>
    [...body!.matchAll(numericOptions)].map(([all, docstring, name]) => ({
      name: `${type}.${name}`,
      isOptional: all.includes(`${name}?:`) || type === "KeepLimits",
      docstring: docstring!,
    })),
  ),
);

test("every numeric option that may be left out names its default", () => {
  const optional = options.filter(({ isOptional }) => isOptional);
  expect(optional.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["RunOptions.timeoutMs", "KeepLimits.byteBudget", "StoreOptions.maxBytes"]),
  );
  expect(optional.filter(({ docstring }) => !/@default \S/.test(docstring)).map(({ name }) => name)).toEqual([]);
});
