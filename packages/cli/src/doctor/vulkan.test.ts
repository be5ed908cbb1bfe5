import { join } from "node:path";
import { expect, it } from "vitest";
import { createProject } from "../project.test-support.js";
import { vulkanFindings } from "./vulkan.js";

const driver = (library: string) => JSON.stringify({ ICD: { library_path: library, api_version: "1.3.0" } });

it.runIf(process.platform === "linux")("names the drivers that the Vulkan loader finds", async () => {
  const { folder } = await createProject({
    "share/vulkan/icd.d/one_icd.x86_64.json": driver("libvulkan_one.so"),
    "share/vulkan/icd.d/broken.json": "{",
    "two.json": driver("/lib/two.so"),
  });
  const foundIn = (environment: NodeJS.ProcessEnv) =>
    vulkanFindings(environment).find(({ name }) => name === "Vulkan drivers")!.found;
  const installed = foundIn({ XDG_DATA_DIRS: join(folder, "share") });
  expect(installed).toContain("one_icd.x86_64 (libvulkan_one.so)");
  expect(installed).toContain(`${join(folder, "share/vulkan/icd.d/broken.json")} (cannot be read)`);
  expect(foundIn({ VK_DRIVER_FILES: join(folder, "two.json") })).toBe("two (/lib/two.so)");
});
