import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasRedis, RedisServer } from "@kiln-gpu/test-support/node";
import { describe, expect, it } from "vitest";
import { examplesOf, root, runExample, typeErrors } from "./examples.js";

/** Inside this package, so that the examples resolve their imports to the built packages, as in a user's project. */
const folder = fileURLToPath(new URL("../.cache", import.meta.url));

const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`);
const examples = ["README.md", "CONTRIBUTING.md", ...packages].flatMap((document) =>
  examplesOf(document, ["ts", "js"], folder),
);

describe("the examples of the READMEs and of CONTRIBUTING.md", () => {
  it("exist in every one of them", () => {
    const documents = new Set(examples.map(({ name }) => name.replace(/, example.*/, "")));
    expect(documents.size).toBe(2 + packages.length);
  });

  it("pass the type check", () => {
    expect(typeErrors(examples.filter(({ language }) => language === "ts"))).toEqual([]);
  });

  // An example for a page is marked `check`, since Node cannot run it.
  const programs = examples.filter(({ words }) => !words.includes("check"));
  const [ofQueues, others] = [true, false].map((isOfQueues) =>
    programs.filter(({ code }) => code.includes("process.env.KILN_QUEUE") === isOfQueues),
  ) as [typeof examples, typeof examples];

  it.skipIf(!hasRedis).each(ofQueues)("run beside a Redis and end by themselves: $name", async (example) => {
    await using redis = await RedisServer.start();
    const { status, words, stderr } = await runExample(example, { ...process.env, KILN_QUEUE: redis.url("example") });
    expect({ status, words }, stderr).toEqual({ status: 0, words: "" });
  });

  it.each(others)("run and end by themselves: $name", async (example) => {
    const { status, words, stderr } = await runExample(example);
    expect({ status, words }, stderr).toEqual({ status: 0, words: "" });
  });

  it("print what the first example says", async () => {
    const { stdout } = await runExample(examples.find(({ name }) => name === "README.md, example 1")!);
    expect(stdout).toBe("Float32Array(3) [ 2, 4, 6 ]\n");
  });
});
