/** Tests of `openDevice` of @kiln-gpu/webgpu, which lie here because the device is this package's. */
import { dirname } from "node:path";
import { type OpenDevice, openDevice } from "@kiln-gpu/webgpu";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runScript } from "./run-script.test-support.js";
import { softwareGpu } from "./software-gpu.js";

const software = { fallback: softwareGpu, software: true };

/** The process's instances, which `openDevice` keeps. */
function instances(): ReadonlyMap<string, Promise<GPU>> {
  const slots = globalThis as { [slot: symbol]: { instances: ReadonlyMap<string, Promise<GPU>> } | undefined };
  return slots[Symbol.for("@kiln-gpu/webgpu/instances")]?.instances ?? new Map();
}

const lossOf = (open: OpenDevice) => new Promise((resolve) => open.onLoss(resolve));

const opened: { close(): Promise<void> }[] = [];
async function open(...options: Parameters<typeof openDevice>) {
  const device = await openDevice(...options);
  opened.push(device);
  return device;
}
afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

describe("the software GPU", () => {
  test("opens as what it is, with the adapter's own limits", async () => {
    const { info, device } = await open(software);
    expect(info.name).toContain("SwiftShader");
    expect(info.isSoftware).toBe(true);
    const [instance] = await Promise.all(instances().values());
    const adapter = (await instance!.requestAdapter())!;
    for (const name of Object.keys(info.limits) as (keyof typeof info.limits)[]) {
      expect([name, info.limits[name]]).toEqual([name, adapter.limits[name]]);
      expect([name, device.limits[name]]).toEqual([name, adapter.limits[name]]);
    }
    // WebGPU's default, which a device that asks for nothing would have.
    expect(info.limits.maxStorageBufferBindingSize).toBeGreaterThan(128 * 2 ** 20);
  });

  test("has the features that a compute shader can use, where the adapter has them", async () => {
    const { info } = await open(software);
    const [instance] = await Promise.all(instances().values());
    const adapter = (await instance!.requestAdapter())!;
    for (const feature of ["timestamp-query", "shader-f16", "subgroups"]) {
      expect([feature, info.features.includes(feature)]).toEqual([feature, adapter.features.has(feature)]);
    }
    expect(info.features).toEqual([...info.features].sort());
  });

  test("opens again on the instance there is, also twice at once", async () => {
    await open(software);
    const before = [...instances().values()];
    expect(before).toHaveLength(1);
    const [first, second] = await Promise.all([open(software), open(software)]);
    expect([...instances().values()]).toEqual(before);
    expect(first.device).not.toBe(second.device);
  });

  test("is not opened where it is asked for but not given", async () => {
    await expect(openDevice({ software: true })).rejects.toMatchObject({
      code: "no-adapter",
      message: 'The option "software" needs a software GPU; pass `fallback: softwareGpu` of @kiln-gpu/software-gpu.',
    });
  });

  test("that cannot be put in place rejects with its own reason, every time, and poisons nothing", async () => {
    const reason = new Error("no such driver");
    const broken = { name: "broken", locate: () => Promise.reject(reason) };
    for (let i = 0; i < 2; i += 1) {
      await expect(openDevice({ fallback: broken, software: true })).rejects.toBe(reason);
    }
    expect((await open(software)).info.isSoftware).toBe(true);
  });

  test("that cannot be put in place the first time is put there the second time", async () => {
    let calls = 0;
    const late = {
      name: "late",
      locate: async () => {
        calls += 1;
        if (calls === 1) throw new Error("not yet");
        return await softwareGpu.locate();
      },
    };
    await expect(openDevice({ fallback: late, software: true })).rejects.toThrow("not yet");
    expect((await open({ fallback: late, software: true })).info.isSoftware).toBe(true);
    expect((await open({ fallback: late, software: true })).info.isSoftware).toBe(true);
    expect(calls).toBe(2);
  });
});

describe("closing", () => {
  test("destroys the device, and resolves `lost` with the loss", async () => {
    const device = await openDevice(software);
    expect(device.loss).toBeUndefined();
    await device.close();
    expect(device.loss).toMatchObject({ name: "ComputeError", code: "device-lost" });
    expect(device.loss!.message).toMatch(/^The device ".*SwiftShader.*" is lost \(destroyed\): /);
    expect(await lossOf(device)).toBe(device.loss);
  });

  test("can be done again, and at the same time", async () => {
    const device = await openDevice(software);
    await Promise.all([device.close(), device.close()]);
    const { loss } = device;
    await device.close();
    expect(device.loss).toBe(loss);
  });
});

test("a device that anybody destroys is lost", async () => {
  const device = await open(software);
  device.device.destroy();
  expect(await lossOf(device)).toMatchObject({ code: "device-lost" });
  expect(device.loss).toBe(await lossOf(device));
});

describe("a device of the caller's own", () => {
  test("is used as it is and not destroyed", async () => {
    const own = await open(software);
    const adopted = await openDevice({ device: own.device });
    expect(adopted.device).toBe(own.device);
    expect(adopted.info).toEqual(own.info);
    await adopted.close();
    expect(adopted.loss).toBeUndefined();
    expect(own.loss).toBeUndefined();
    const buffer = own.device.createBuffer({ size: 4, usage: 0x0009, mappedAtCreation: true });
    new Uint32Array(buffer.getMappedRange())[0] = 7;
    buffer.unmap();
    await buffer.mapAsync(0x0001);
    expect(new Uint32Array(buffer.getMappedRange())[0]).toBe(7);
    buffer.destroy();
  });

  test("is told lost when the caller destroys it", async () => {
    const own = await open(software);
    const adopted = await openDevice({ device: own.device });
    own.device.destroy();
    expect(await lossOf(adopted)).toMatchObject({ code: "device-lost" });
    expect(adopted.loss).toBeDefined();
    await adopted.close();
  });
});

describe("in a process of its own", () => {
  test("opening and closing prints nothing, and the process ends by itself", async () => {
    const end = await runScript(`
      const device = await openDevice({ fallback: softwareGpu, software: true });
      await device.close();
      report(device.info.isSoftware);
    `);
    expect(end).toEqual({ status: 0, stdout: "", stderr: "", reported: true });
  });

  test("opening whatever there is prints nothing, the first time and after", async () => {
    const end = await runScript(
      `
      for (const software of [false, true, false]) {
        const device = await openDevice({ fallback: softwareGpu, software });
        await device.close();
      }
      report("done");
      `,
      { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined },
    );
    expect(end).toEqual({ status: 0, stdout: "", stderr: "", reported: "done" });
  });

  test("no GPU and no fallback is an error that says what to do", async () => {
    const { reported } = await runScript(
      "await openDevice().catch(({ code, message }) => report({ code, message }));",
      { VK_DRIVER_FILES: "/nonexistent/driver.json", VK_ICD_FILENAMES: undefined },
    );
    expect(reported).toEqual({
      code: "no-adapter",
      message: expect.stringMatching(/^There is no WebGPU adapter on this machine\..*`fallback: softwareGpu`/),
    });
  });

  test("the environment is as it was where a loader does not find the driver", async () => {
    const { manifest, loader } = await softwareGpu.locate();
    const { reported } = await runScript(
      `
      const nothing = { ...(await softwareGpu.locate()), manifest: "/nonexistent/driver.json" };
      await (await openDevice()).close();
      const code = await openDevice({ fallback: { name: "none", locate: async () => nothing }, software: true }).catch(
        (error) => error.code,
      );
      const { VK_DRIVER_FILES, VK_ICD_FILENAMES = null, XDG_CONFIG_HOME } = process.env;
      report([code, VK_DRIVER_FILES, VK_ICD_FILENAMES, XDG_CONFIG_HOME]);
      `,
      {
        LD_LIBRARY_PATH: dirname(loader),
        VK_DRIVER_FILES: manifest,
        VK_ICD_FILENAMES: undefined,
        XDG_CONFIG_HOME: "",
      },
    );
    expect(reported).toEqual(["no-adapter", manifest, null, ""]);
  });

  test("an adapter is found by a part of its name, or the names there are are said", async () => {
    const { manifest, loader } = await softwareGpu.locate();
    const { reported, stderr } = await runScript(
      `
      const found = await openDevice({ adapter: "SwiftShader" });
      await found.close();
      const refusal = await openDevice({ adapter: "Nonsense 9000", fallback: softwareGpu }).catch((error) => error);
      report({ name: found.info.name, code: refusal.code, message: refusal.message });
      `,
      { LD_LIBRARY_PATH: dirname(loader), VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest },
    );
    expect(stderr).toBe("");
    expect(reported).toMatchObject({ name: expect.stringContaining("SwiftShader"), code: "no-adapter" });
    expect((reported as { message: string }).message).toMatch(
      /^No adapter's name contains "Nonsense 9000"; found: ".*SwiftShader.*"\.$/,
    );
  });
});

test("backends that come and go on a caller's device leave nothing on it", async () => {
  const own = await open(software);
  const closed: WeakRef<object>[] = [];
  for (let i = 0; i < 20; i += 1) {
    const adopted = await openDevice({ device: own.device });
    adopted.onLoss(() => adopted.info);
    closed.push(new WeakRef(adopted));
    await adopted.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  globalThis.gc!();
  // The last one may still stand on the stack.
  expect(closed.filter((ref) => ref.deref()).length).toBeLessThanOrEqual(1);
});

test.each([
  [{ adapter: 5 }, /"adapter" must be part of an adapter's name; got 5\.$/],
  [{ adapter: "" }, /"adapter" must be part of an adapter's name; got ""\.$/],
  [{ powerPreference: "fast" }, /"powerPreference" must be "high-performance" or "low-power"; got "fast"\.$/],
  [{ fallback: {} }, /"fallback" must be `softwareGpu` of @kiln-gpu\/software-gpu; got /],
  [{ device: {} }, /"device" must be a GPUDevice or a function that opens one; got /],
])("an option that is none is refused by name: %j", async (options, message) => {
  await expect(openDevice(options as never)).rejects.toMatchObject({
    code: "invalid-option",
    message: expect.stringMatching(message),
  });
});

// At the end: the tests above count the instances.
describe("an experiment on the software GPU", () => {
  test("without bounds checks opens in an instance of its own, and says so", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await open(software);
    const before = instances().size;
    expect(warn).not.toHaveBeenCalled();
    const { info } = await open({ ...software, experimental: ["no-robustness"] });
    expect(info.isSoftware).toBe(true);
    expect(instances().size).toBe(before + 1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('experimental "no-robustness"'));
    warn.mockRestore();
  });

  test("of subgroup matrices finds none", async () => {
    const { info } = await open({ ...software, experimental: ["subgroup-matrix"] });
    expect(info.subgroupMatrices).toEqual([]);
    expect(info.subgroupMinSize).toBeGreaterThan(0);
  });
});
