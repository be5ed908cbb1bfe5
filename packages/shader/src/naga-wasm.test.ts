import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { checkTranslatorOptions, loadProgram, type TranslatorWasm } from "./index.js";

const path = fileURLToPath(new URL("../dist/naga/naga.wasm", import.meta.url));
const bytes = readFileSync(path);
/** `void main() {}`, with a workgroup of one thread. */
const spirv = Uint32Array.of(
  ...[0x07230203, 0x00010000, 0, 5, 0],
  ...[0x00020011, 1, 0x0003000e, 0, 1],
  ...[0x0005000f, 5, 4, 0x6e69616d, 0, 0x00060010, 4, 17, 1, 1, 1],
  ...[0x00020013, 2, 0x00030021, 3, 2],
  ...[0x00050036, 2, 4, 0, 3, 0x000200f8, 1, 0x000100fd, 0x00010038],
);
const translate = (translatorWasm?: TranslatorWasm) =>
  loadProgram({ spirv }, 'Kernel "k"', translatorWasm === undefined ? {} : { translatorWasm });

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});
/** Serves on this machine, and resolves with the URL of a file there. */
async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/naga.wasm`;
}

describe("the WebAssembly that translates SPIR-V", () => {
  it.each<[string, () => Promise<TranslatorWasm | undefined>]>([
    ["comes with this package", async () => undefined],
    ["is found by its path", async () => path],
    ["is found by a file's URL", async () => new URL(`file://${path}`)],
    ["is found by a file's URL as a string", async () => `file://${path}`],
    ["is fetched", () => serve((_, response) => response.end(bytes))],
    ["is given as bytes", async () => new Uint8Array(bytes)],
    ["is given compiled", async () => WebAssembly.compile(bytes)],
  ])("%s", async (_, wasm) => {
    expect((await translate(await wasm())).wgsl).toMatch(/@compute @workgroup_size\(1, 1, 1\)\s+fn main/);
  });

  it.each<[string, () => Promise<TranslatorWasm>, RegExp]>([
    [
      "that the server does not have",
      () => serve((_, response) => response.writeHead(404).end()),
      /^The WebAssembly at http:.*naga\.wasm, which translates SPIR-V, cannot be read: the server answers 404 Not Found\. Serve /,
    ],
    [
      "for which a page comes",
      () => serve((_, response) => response.end("<!doctype html>")),
      /^The WebAssembly at http:.*naga\.wasm, which translates SPIR-V, does not compile: .*magic word.* Serve /,
    ],
    [
      "whose server is not there",
      async () => "http://127.0.0.1:1/naga.wasm",
      /^The WebAssembly at http:.*naga\.wasm, which translates SPIR-V, cannot be read: fetch failed\. Serve /,
    ],
    [
      "whose file is not there",
      async () => "/nonexistent/naga.wasm",
      /^The WebAssembly at \/nonexistent\/naga\.wasm, which translates SPIR-V, cannot be read: ENOENT.* Serve /,
    ],
    [
      "that is something else",
      async () => new Uint8Array([1, 2, 3]),
      /^The given WebAssembly, which translates SPIR-V, does not compile: .* Serve .*`translatorWasm`/,
    ],
  ])("%s is an error that does not blame the shader", async (_, wasm, message) => {
    await expect(translate(await wasm())).rejects.toMatchObject({
      code: "translator-unavailable",
      message: expect.stringMatching(message),
    });
  });

  it("is fetched again after it was not there", async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      if (requests === 1) response.writeHead(503).end();
      else response.end(bytes);
    });
    await expect(translate(url)).rejects.toMatchObject({ code: "translator-unavailable" });
    await translate(url);
    await translate(url);
    expect(requests).toBe(2);
  });

  it("is not asked for by WGSL", async () => {
    const wgsl = "@compute @workgroup_size(1) fn main() {}";
    const { interface: shader } = await loadProgram({ wgsl }, 'Kernel "k"', { translatorWasm: "/nonexistent" });
    expect(shader.entryPoint).toBe("main");
  });

  it.each([
    [7, "7"],
    [null, "null"],
    [{}, "an object"],
    [[1, 2], "an array of 2"],
  ])("is refused where it is %j", (given, said) => {
    const options = { translatorWasm: given as unknown as TranslatorWasm };
    expect(() => checkTranslatorOptions(options)).toThrow(
      `The option "translatorWasm" must be a URL, an array of bytes or a WebAssembly.Module; got ${said}.`,
    );
  });
});
