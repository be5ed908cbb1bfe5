import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { compileShaders, generatedFile } from "../scripts/compile-shaders.mjs";
import { decodeBase64 } from "./decode-base64.js";
import * as spirv from "./spirv.generated.js";

test("the committed SPIR-V is what the shaders compile to, byte for byte", async () => {
  expect(await compileShaders()).toBe(await readFile(generatedFile, "utf8"));
});

test("decodes base64 to the bytes it stands for", () => {
  expect([...decodeBase64("AAH+/w==")]).toEqual([0, 1, 254, 255]);
});

test.each(Object.entries(spirv))("%s is whole words of SPIR-V 1.0", (_, base64) => {
  const bytes = decodeBase64(base64);
  expect(bytes.length % 4).toBe(0);
  const view = new DataView(bytes.buffer);
  expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([0x07230203, 0x0001_0000]);
});
