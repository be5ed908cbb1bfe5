import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "@kiln-gpu/processes";
import { expect, test } from "vitest";
import { driverFor } from "./driver-for.js";
import { softwareGpu } from "./software-gpu.js";

const linux = { platform: "linux", arch: "x64" };

test("names a driver, a loader, the manifest that names the driver and settings that name nothing", async () => {
  const { library, manifest, configHome, loader } = driverFor(linux);
  const { ICD } = JSON.parse(await readFile(manifest, "utf8"));
  expect(join(dirname(manifest), ICD.library_path)).toBe(library);
  const settings = join(configHome, "vulkan/loader_settings.d/vk_loader_settings.json");
  expect(JSON.parse(await readFile(settings, "utf8")).settings).toEqual({});
  for (const path of [library, loader]) {
    const bytes = await readFile(path);
    expect(bytes.subarray(0, 4)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
    expect(bytes.includes("\0libvulkan.so.1\0")).toBe(true);
  }
  expect(await softwareGpu.locate()).toEqual(driverFor(process));
});

test("the driver is the one that was tested", async () => {
  const sha256 = createHash("sha256")
    .update(await readFile(driverFor(linux).library))
    .digest("hex");
  expect(sha256).toBe("4165d33b68f7cce7aa8bcec0c340f9aeb792827845b16943025830f8516c4c36");
});

test.each([
  ["linux", "arm64"],
  ["darwin", "arm64"],
  ["win32", "x64"],
])("says that %s %s has none, and what to do", (platform, arch) => {
  expect(() => driverFor({ platform, arch })).toThrow(
    expect.objectContaining({
      code: "no-adapter",
      message:
        `There is no software GPU for ${platform} ${arch}; there is one for linux x64. Use a machine with a GPU; on ` +
        "Linux, Kiln also finds a recent Mesa, whose drivers can compute on the CPU.",
    }),
  );
});

test("names the package that is missing where optional dependencies were left out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "without-driver-"));
  try {
    const scope = join(folder, "node_modules", "@kiln-gpu");
    await mkdir(scope, { recursive: true });
    const packages = fileURLToPath(new URL("../..", import.meta.url));
    for (const name of ["core", "software-gpu"]) {
      await cp(join(packages, name, "dist"), join(scope, name, "dist"), { recursive: true });
      await cp(join(packages, name, "package.json"), join(scope, name, "package.json"));
    }
    await symlink(join(packages, "webgpu"), join(scope, "webgpu"));
    const code = `
      import { softwareGpu } from "@kiln-gpu/software-gpu";
      await softwareGpu.locate().catch(({ code, message }) => console.log(code + ": " + message));`;
    // Package managers that start this test may name the workspace's own packages in NODE_PATH.
    const env = { ...process.env, NODE_PATH: undefined };
    const { stdout, stderr } = await runNode(["--input-type=module", "--eval", code], { cwd: folder, env });
    expect(stdout, stderr).toBe(
      'no-adapter: The package "@kiln-gpu/swiftshader-linux-x64", which has the driver of the software GPU, is not ' +
        "installed. Install again with optional dependencies, on this platform.\n",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
