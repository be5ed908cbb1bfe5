/** Prints the SPIR-V that Tint, the compiler of Dawn, makes of a WGSL file for Vulkan: `node print-tint.mjs FILE`. */
import { readFile } from "node:fs/promises";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { create } from "webgpu";

const { manifest, loader } = await softwareGpu.locate();
process.env.VK_DRIVER_FILES = manifest;
process.env.VK_ICD_FILENAMES = manifest;
try {
  // RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE; Node throws, for it is no addon, and by then it is loaded.
  process.dlopen({ exports: {} }, loader, 0x1102);
} catch {}
// The instance must stay referenced as long as its device lives.
globalThis.instance = create(["enable-dawn-features=dump_shaders,disable_symbol_renaming"]);
const adapter = await globalThis.instance.requestAdapter();
const device = await adapter.requestDevice({ requiredFeatures: ["subgroups"] });
const module = device.createShaderModule({ code: await readFile(process.argv[2], "utf8") });
await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
device.destroy();
await device.lost;
