import { expect, it } from "vitest";
import { explainNoise } from "./driver-noise.js";

it("explains what Mesa, the Vulkan loader and WebGPU write where there is no GPU", () => {
  // Debian 12 with Mesa 22.3.6; then a loader without drivers.
  const noise = `error: XDG_RUNTIME_DIR is invalid or not set in the environment.
Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.
 - While initializing adapter (backend=BackendType::Vulkan)
    at InitializeImpl (/third_party/dawn/src/dawn/native/vulkan/PhysicalDeviceVk.cpp:257)

error: XDG_RUNTIME_DIR is invalid or not set in the environment.
Warning: vkCreateInstance: Found no drivers!
Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER
    at CheckVkSuccessImpl (/third_party/dawn/src/dawn/native/vulkan/VulkanError.cpp:106)
a line of some other driver`;
  const explained = explainNoise(noise);
  expect(explained.map(({ line }) => line)).toEqual([
    "error: XDG_RUNTIME_DIR is invalid or not set in the environment.",
    "Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.",
    "Warning: vkCreateInstance: Found no drivers!",
    "Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER",
    "a line of some other driver",
  ]);
  const meanings = explained.map(({ meaning }) => meaning?.split(" ").slice(0, 3).join(" "));
  expect(meanings).toEqual(["Mesa looks for", "WebGPU refuses a", "The Vulkan loader", "The Vulkan loader", undefined]);
});

it("says nothing about silence", () => {
  expect(explainNoise("\n \n")).toEqual([]);
});
