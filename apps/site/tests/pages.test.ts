/** Every code block of a page is a program that runs, a shader that compiles, or says why it is neither. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Example, examplesOf, runExample, typeErrors } from "../../../tools/readme/src/examples.js";

const pages = fileURLToPath(new URL("../pages", import.meta.url));
const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
/** Inside this package, so that the examples resolve their imports as in a user's project. */
const folder = fileURLToPath(new URL(".cache/pages", import.meta.url));
/** Made by the build, from documents that have tests of their own. */
const gathered = /^(api|docs)\/|^about\/changelog-text/;

const documents = readdirSync(pages, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".md") && !gathered.test(path))
  .sort();
const blocks = (...languages: string[]) =>
  documents.flatMap((path) => examplesOf(`apps/site/pages/${path}`, languages, folder));

const programs = blocks("ts", "js");
const shaders = blocks("wgsl");
const isRun = ({ words }: Example) => !words.includes("check");

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
for (const name of readdirSync(fixtures)) copyFileSync(join(fixtures, name), join(folder, name));

describe("the programs of the pages", () => {
  it("pass the type check", () => {
    expect(typeErrors(programs.filter(({ language }) => language === "ts"))).toEqual([]);
  });

  it.each(programs.filter(isRun))("run, and print what they say: $name", async (example) => {
    const { status, words, stdout, stderr } = await runExample(example);
    expect({ status, words }, stderr).toEqual({ status: 0, words: "" });
    const printed = stdout.trim().split("\n");
    const said = [...example.code.matchAll(/^.*console\.log\(.*\);? \/\/ (.+)$/gm)].map(([, text]) => text!);
    // In order, and among other lines: what a loop prints is said once.
    let from = 0;
    for (const text of said) {
      const at = printed.indexOf(text, from);
      expect(at, `"${text}" is printed; the program printed:\n${stdout}`).toBeGreaterThanOrEqual(from);
      from = at + 1;
    }
  });
});

describe("the shaders of the pages", () => {
  let gpu: PersistentComputeBackend;
  beforeAll(async () => {
    gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, store: false });
  });
  afterAll(() => gpu?.dispose());

  it.each(shaders)("compile: $name", async ({ code, name }) => {
    // A part of a shader needs an entry point to be compiled.
    const wgsl = code.includes("@compute") ? code : `${code}\n@compute @workgroup_size(1) fn main() {}`;
    await gpu.prepare(defineKernel({ label: name, wgsl }));
  });
});

it("blocks of JSON are JSON", () => {
  const texts = blocks("json").map(({ code }) => code);
  expect(() => texts.map((text) => JSON.parse(text))).not.toThrow();
});

it("no block has a language that no test reads", () => {
  const read = new Set(["ts", "js", "wgsl", "json", "sh", "text", "glsl", "hlsl", "rust", "html", "yaml"]);
  const others = documents.flatMap((path) => {
    const text = readFileSync(join(pages, path), "utf8");
    const languages = [...text.matchAll(/^```(\S*)[^\n]*\n.*?^```/gms)].map(([, language]) => language!);
    return languages.filter((language) => !read.has(language)).map((language) => `${path}: ${language}`);
  });
  expect(others).toEqual([]);
});

it("each error code has a section with its cause and its cure", () => {
  const source = fileURLToPath(new URL("../../../packages/core/src/errors/compute-error.ts", import.meta.url));
  const [, union] = /export type ComputeErrorCode =([^;]+);/.exec(readFileSync(source, "utf8"))!;
  const codes = [...union!.matchAll(/"([\w-]+)"/g)].map(([, code]) => code!);
  const text = readFileSync(join(pages, "guide/errors.md"), "utf8");
  const sections = Object.fromEntries(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split("\n")[0]!.replaceAll("`", "").trim(), section]),
  );
  expect(codes.length).toBeGreaterThan(10);
  for (const code of codes) {
    expect(sections[code], `a section for ${code}`).toBeDefined();
    expect(sections[code]).toContain("**Cause.**");
    expect(sections[code]).toContain("**Cure.**");
  }
});
