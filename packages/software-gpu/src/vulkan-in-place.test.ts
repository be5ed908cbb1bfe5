/**
 * What `openDevice` of @kiln-gpu/webgpu finds where a Vulkan loader and a GPU are, and in which order they come into a
 * process. The loader is the one that ships with SwiftShader, put where the dynamic linker finds it; the GPU pretends.
 */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pretendedName, writePretendedGpu } from "./pretended-gpu.test-support.js";
import { runScript } from "./run-script.test-support.js";
import { softwareGpu } from "./software-gpu.js";

const hasLoader = readFileSync("/etc/ld.so.cache").includes("libvulkan.so.1");
const hasGpuDevice = readdirSync("/dev").some((name) => /^(dri|dxg|nvidia)/.test(name));

let folder: string;
/** A machine with a loader and a GPU. */
let machine: Record<string, string>;
/**
 * Folders with Vulkan loader settings that name the GPU and hide all other drivers, by the variable that leads a loader
 * to them.
 */
let settings: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vulkan-in-place-test-"));
  const { manifest } = await writePretendedGpu(folder);
  const { loader } = await softwareGpu.locate();
  machine = { LD_LIBRARY_PATH: dirname(loader), VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
  settings = { XDG_CONFIG_HOME: join(folder, "config"), XDG_DATA_HOME: join(folder, "data") };
  const exclusive = { additional_drivers: [{ path: manifest }], additional_drivers_use_exclusively: true };
  for (const home of Object.values(settings)) {
    const path = join(home, "vulkan", "loader_settings.d", "vk_loader_settings.json");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify({ file_format_version: "1.0.0", settings: exclusive }));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const prelude = `
  const software = { fallback: softwareGpu, software: true };
  const kept = [];
  /** Opens a device and says which, or why not; the device stays open. */
  const opened = async (options) => {
    try {
      const open = await openDevice(options);
      kept.push(open);
      return open.info.name.split(",")[0] + (open.info.isSoftware ? ", software" : "");
    } catch (error) {
      return error.code + ": " + error.message;
    }
  };
  const close = () => Promise.all(kept.map((open) => open.close()));
`;
const swiftShader = "swiftshader-device-subzero-, software";
const gpu = `${pretendedName}-subzero-`;
const run = (code: string, env: Record<string, string | undefined>) =>
  runScript(`${prelude}${code}\nawait close();`, env);

/** Defines `openInWorker()`, which resolves with what two opens in a worker thread say. */
const inWorker = (env = "", options = "software") => `
  import { Worker, SHARE_ENV } from "node:worker_threads";
  const source = ${JSON.stringify(`
    import { parentPort } from "node:worker_threads";
    import { openDevice } from "@kiln-gpu/webgpu";
    import { softwareGpu } from "@kiln-gpu/software-gpu";
    ${prelude}
    parentPort.postMessage([await opened(${options}), await opened(${options})]);
    await close();
  `)};
  const openInWorker = () => new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, ${env} });
    let said;
    worker.on("message", (message) => { said = message; });
    worker.on("error", reject);
    worker.on("exit", () => resolve(said));
  });
`;

const silent = { status: 0, stdout: "", stderr: "" };

test("the GPU of this machine pretends well", async () => {
  const end = await run("report([await opened(), await opened({ fallback: softwareGpu })]);", machine);
  expect(end).toEqual({ ...silent, reported: [gpu, gpu] });
});

describe("the software GPU", () => {
  test.each(["XDG_CONFIG_HOME", "XDG_DATA_HOME"])(
    "opens where Vulkan loader settings in $%s hide it",
    async (variable) => {
      const env = { ...machine, [variable]: settings[variable] };
      expect(await run("report(await opened(software));", env)).toEqual({ ...silent, reported: swiftShader });
    },
  );

  test("opens after the GPU, also where Vulkan loader settings hide it", async () => {
    const code = "report([await opened(), await opened(software), await opened(), await opened(software)]);";
    const expected = { ...silent, reported: [gpu, swiftShader, gpu, swiftShader] };
    expect(await run(code, machine)).toEqual(expected);
    expect(await run(code, { ...machine, ...settings })).toEqual(expected);
  });

  test("leaves the environment as it was", async () => {
    const { reported } = await run(
      `
      const before = JSON.stringify(process.env);
      const all = [await opened(), await opened(software)];
      report([...all, JSON.stringify(process.env) === before]);
      `,
      machine,
    );
    expect(reported).toEqual([gpu, swiftShader, true]);
  });

  test("is the fallback where a loader finds no driver", async () => {
    const named = { VK_DRIVER_FILES: "/nonexistent/driver.json", VK_ICD_FILENAMES: "/nonexistent/driver.json" };
    const end = await run(
      "report([await opened({ fallback: softwareGpu }), await opened({ fallback: softwareGpu })]);",
      { ...machine, ...named },
    );
    expect(end).toMatchObject({ status: 0, reported: [swiftShader, swiftShader] });
  });

  test.skipIf(hasGpuDevice)(
    "is the fallback without a look where a machine has a loader but no GPU, so that nothing is printed",
    async () => {
      const named = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined };
      const end = await run(
        `${inWorker("", "{ fallback: softwareGpu }")}
      const options = { fallback: softwareGpu };
      report([await opened(options), await opened(options), await openInWorker()]);`,
        { ...machine, ...named },
      );
      expect(end).toEqual({ ...silent, reported: [swiftShader, swiftShader, [swiftShader, swiftShader]] });
    },
  );

  test.skipIf(hasLoader)("is the fallback, and no more, in every thread where a machine has no loader", async () => {
    const end = await run(
      `${inWorker("", "{ fallback: softwareGpu }")}
      const options = { fallback: softwareGpu };
      report([
        await opened(options), await opened(options), await openInWorker(), await opened(),
        await opened({ ...options, adapter: "swiftshader" }),
      ]);`,
      { VK_DRIVER_FILES: machine.VK_DRIVER_FILES },
    );
    const none = expect.stringMatching(/^no-adapter: There is no WebGPU adapter on this machine\./);
    const notThis = 'no-adapter: No adapter\'s name contains "swiftshader"; found: none.';
    expect(end).toEqual({
      ...silent,
      reported: [swiftShader, swiftShader, [swiftShader, swiftShader], none, notThis],
    });
  });

  test("is not taken for a GPU that is asked for after it", async () => {
    const { reported } = await run(
      `report([
        await opened(software), await opened(), await opened({ fallback: softwareGpu }),
        await opened({ adapter: "swiftshader", fallback: softwareGpu }), await opened(software),
      ]);`,
      machine,
    );
    const refusal =
      "no-adapter: This process cannot find a GPU any more: it has opened a software GPU, which took the place of the " +
      "Vulkan loader. Open the GPU before the software GPU, or in another process.";
    expect(reported).toEqual([swiftShader, refusal, refusal, refusal, swiftShader]);
  });

  test("is refused by name where its driver does not load", async () => {
    const { reported } = await run(
      `
      const driver = { ...(await softwareGpu.locate()), library: "/nonexistent/libvulkan-none.so" };
      report(await opened({ fallback: { name: "none", locate: async () => driver }, software: true }));
      `,
      machine,
    );
    expect(reported).toMatch(
      /^no-adapter: The software GPU's driver, \/nonexistent\/libvulkan-none\.so, does not load: .*No such file/,
    );
  });
});

describe("in worker threads, which have an environment of their own", () => {
  test("the software GPU opens in each, beside the main thread's, again and again", async () => {
    const end = await run(
      `${inWorker()}
      const seen = [];
      for (let round = 0; round < 3; round += 1) {
        const opening = [openInWorker(), openInWorker(), opened(software), openInWorker()];
        seen.push(...(await Promise.all(opening)).flat());
      }
      report(seen);`,
      { ...machine, ...settings },
    );
    expect(end).toEqual({ ...silent, reported: Array.from({ length: 21 }, () => swiftShader) });
  });

  test("the software GPU opens where the main thread opens none", async () => {
    const end = await run(`${inWorker()} report(await openInWorker());`, machine);
    expect(end).toEqual({ ...silent, reported: [swiftShader, swiftShader] });
  });

  test("the software GPU is refused after a GPU, never another one opened, and told how it opens", async () => {
    const code = (env?: string) => `${inWorker(env)} report([await opened(), await openInWorker()]);`;
    const refusal =
      `no-adapter: The software GPU "SwiftShader" is asked for, but WebGPU finds "${gpu}, Pretended-H driver 5.0.0". ` +
      "This process had loaded a Vulkan loader before, and that loader does not find the driver which Kiln names in the " +
      "environment. Open the software GPU first in this process, or start the worker thread with `env: SHARE_ENV`.";
    expect((await run(code(), machine)).reported).toEqual([gpu, [refusal, refusal]]);
    expect((await run(code("env: SHARE_ENV"), machine)).reported).toEqual([gpu, [swiftShader, swiftShader]]);
  });
});
