import { afterEach, describe, expect, it, vi } from "vitest";
import { checkWebGpu } from "./check-web-gpu.js";
import { nullGpu } from "./null-device.test-support.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

const stubPlatform = (gpu: Partial<GPU>) => vi.stubGlobal("navigator", { gpu });

describe("checkWebGpu", () => {
  it("names the adapter, and opens no device", async () => {
    const adapter = (await nullGpu.requestAdapter())!;
    const requestDevice = vi.spyOn(adapter, "requestDevice");
    stubPlatform({ requestAdapter: async () => adapter });
    expect(await checkWebGpu()).toEqual({ state: "available", name: "null-backend", isSoftware: false });
    expect(requestDevice).not.toHaveBeenCalled();
  });

  it("says why there is no adapter", async () => {
    stubPlatform({ requestAdapter: async () => null });
    expect(await checkWebGpu()).toMatchObject({ state: "no-adapter", error: { code: "no-adapter" } });
  });

  it("finds an adapter by its name", async () => {
    stubPlatform(nullGpu);
    expect(await checkWebGpu({ adapter: "null" })).toMatchObject({ state: "available" });
    expect(await checkWebGpu({ adapter: "H200" })).toMatchObject({
      state: "no-adapter",
      error: { message: 'No adapter\'s name contains "H200"; found: "null-backend".' },
    });
  });

  it("waits for a GPU process that restarts", async () => {
    const requestAdapter = vi.fn(() => nullGpu.requestAdapter());
    requestAdapter.mockResolvedValueOnce(null);
    stubPlatform({ requestAdapter });
    expect(await checkWebGpu()).toMatchObject({ state: "available" });
  });

  it("refuses an option that is none", async () => {
    await expect(checkWebGpu({ adapter: "" })).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("in a page without WebGPU", () => {
  /** As a page has it, without Node's functions; vitest needs the rest. */
  const stubPage = (isSecureContext: boolean) => {
    vi.stubGlobal("process", { ...process, versions: {}, getBuiltinModule: undefined });
    vi.stubGlobal("isSecureContext", isSecureContext);
  };

  it.each([
    [false, "insecure-context", /^Browsers give WebGPU to secure contexts only.*https/],
    [true, "unsupported", /^This browser has no WebGPU: `navigator.gpu` is missing/],
  ] as const)("a secure context is %s: %s", async (isSecureContext, state, message) => {
    stubPage(isSecureContext);
    const told = await checkWebGpu();
    expect(told).toMatchObject({ state, error: { message: expect.stringMatching(message) } });
  });

  it("an adapter that is not given is denied by the browser, with no advice about drivers for Node", async () => {
    stubPage(true);
    stubPlatform({ requestAdapter: async () => null });
    const told = await checkWebGpu({ fallback: { name: "none", locate: () => Promise.reject(new Error("called")) } });
    expect(told).toMatchObject({ state: "no-adapter", error: { code: "no-adapter" } });
    expect((told as { error: Error }).error.message).toMatch(/^This browser gives no WebGPU adapter/);
    expect((told as { error: Error }).error.message).not.toMatch(/Vulkan|npm|fallback/);
  });
});

describe("in Deno", () => {
  it("an adapter over OpenGL is none", async () => {
    vi.stubGlobal("Deno", {});
    stubPlatform({
      requestAdapter: async () => ({ info: { device: "0", description: "llvmpipe" } }) as unknown as GPUAdapter,
    });
    expect(await checkWebGpu()).toMatchObject({
      state: "no-adapter",
      error: { message: expect.stringMatching(/^There is no WebGPU adapter on this machine/) },
    });
  });
});
