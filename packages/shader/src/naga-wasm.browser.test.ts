import { expect, it } from "vitest";
import { loadProgram, type TranslatorWasm } from "./index.js";

/** `void main() {}`, with a workgroup of one thread. */
const spirv = Uint32Array.of(
  ...[0x07230203, 0x00010000, 0, 5, 0],
  ...[0x00020011, 1, 0x0003000e, 0, 1],
  ...[0x0005000f, 5, 4, 0x6e69616d, 0, 0x00060010, 4, 17, 1, 1, 1],
  ...[0x00020013, 2, 0x00030021, 3, 2],
  ...[0x00050036, 2, 4, 0, 3, 0x000200f8, 1, 0x000100fd, 0x00010038],
);
const translate = async (translatorWasm?: TranslatorWasm) =>
  (await loadProgram({ spirv }, 'Kernel "k"', translatorWasm === undefined ? {} : { translatorWasm })).wgsl;

it("translates SPIR-V in a page, by the WebAssembly beside the package or at the place that is named", async () => {
  const wgsl = await translate();
  expect(wgsl).toContain("fn main");
  const url = new URL("../dist/naga/naga.wasm", import.meta.url);
  expect(await translate(url)).toBe(wgsl);
  expect(await translate(url.pathname)).toBe(wgsl);
  expect(await translate(await WebAssembly.compileStreaming(fetch(url)))).toBe(wgsl);
});

it.each(["/nowhere/naga.wasm", "https://nowhere.invalid/naga.wasm", "data:application/wasm,no"])(
  "says that it cannot be had, and not that the shader is at fault: %s",
  async (place) => {
    await expect(translate(place)).rejects.toMatchObject({
      code: "translator-unavailable",
      message: expect.stringMatching(
        /^The WebAssembly at .*, which translates SPIR-V, (cannot be read|does not compile): /,
      ),
    });
  },
);
