/**
 * Asks Vulkan itself for the GPUs that it shows, through the foreign function interface of npm `koffi`. WebGPU tells
 * neither a GPU's UUID nor its PCI address.
 *
 * Structures of Vulkan are written and read as bytes, at the offsets of a 64-bit C compiler.
 */
import { ComputeError } from "@kiln-gpu/core";
import type koffi from "koffi";
import type { VulkanGpu } from "./gpu-info.js";

export type Koffi = typeof koffi;

/** The Vulkan that this process has loaded: a loader, or a driver in its place. */
export interface Vulkan {
  /** The version of the loader: `[1, 4, 360]`. */
  readonly version: readonly [number, number, number];
  /** The GPUs that a Vulkan instance made now would show. */
  list(): VulkanGpu[];
}

const kinds = ["other", "integrated", "discrete", "virtual", "software"] as const;

const version1p1 = (1 << 22) | (1 << 12);
const version1p2 = (1 << 22) | (2 << 12);

// VkStructureType
const instanceCreateInfo = 1;
const physicalDeviceProperties2 = 1000059001;
const physicalDeviceIdProperties = 1000071004;
const physicalDeviceDriverProperties = 1000196000;
const physicalDevicePciBusInfoProperties = 1000212000;

// VkResult: there is no driver at all, or the loader's settings hide every GPU.
const nothingToShow: readonly number[] = [-9, -3];

/** The Vulkan that answers to the loader's name; the caller has loaded it. */
export function openVulkan(ffi: Koffi): Vulkan {
  const getAddress = ffi.load("libvulkan.so.1").func("vkGetInstanceProcAddr", "void *", ["void *", "const char *"]);
  const vulkan: Calls = (instance, name, result, parameters, ...values) => {
    // A prototype without a name: names are unique in a process.
    const prototype = ffi.proto(result, [...parameters]);
    return ffi.call(getAddress(instance, name), prototype, ...values);
  };
  return { version: versionOf(vulkan), list: () => listGpus(ffi, vulkan) };
}

/** Calls a function of Vulkan by its name. */
type Calls = (
  instance: bigint | null,
  name: string,
  result: "int" | "void",
  parameters: readonly string[],
  ...values: readonly unknown[]
) => number;

/**
 * Resolved here and not imported, so that a bundler does not look for what is optional.
 * @throws {ComputeError} `no-adapter` if npm `koffi` does not load.
 */
export function loadKoffi(): Koffi {
  const { createRequire } = globalThis.process.getBuiltinModule("node:module");
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (cause) {
    throw new ComputeError(
      "no-adapter",
      'GPUs are told apart through npm "koffi", which does not load; it is not installed with Kiln. Install it: ' +
        "`npm install koffi`.",
      { cause },
    );
  }
}

function versionOf(vulkan: Calls): [number, number, number] {
  const version = new Uint32Array(1);
  vulkan(null, "vkEnumerateInstanceVersion", "int", ["void *"], version);
  return [version[0]! >>> 22, (version[0]! >>> 12) & 0x3ff, version[0]! & 0xfff];
}

function listGpus(ffi: Koffi, vulkan: Calls): VulkanGpu[] {
  const addressOf = (bytes: Uint8Array) => BigInt(ffi.address(bytes));
  const application = new Uint8Array(48);
  new DataView(application.buffer).setUint32(44, version1p1, true);
  const info = structure(instanceCreateInfo, 64);
  new DataView(info.buffer).setBigUint64(24, addressOf(application), true);
  const made: [bigint | null] = [null];
  const failure = vulkan(null, "vkCreateInstance", "int", ["void *", "void *", "_Out_ void **"], info, null, made);
  if (isEmpty("vkCreateInstance", failure)) return [];
  const instance = made[0]!;
  try {
    const described = devicesOf(vulkan, instance).flatMap(
      (device) => describe(vulkan, addressOf, instance, device) ?? [],
    );
    return described.map((gpu, index) => ({ index, ...gpu }));
  } finally {
    vulkan(instance, "vkDestroyInstance", "void", ["void *", "void *"], instance, null);
  }
}

function devicesOf(vulkan: Calls, instance: bigint): bigint[] {
  const name = "vkEnumeratePhysicalDevices";
  const parameters = ["void *", "void *", "void *"];
  const count = new Uint32Array(1);
  if (isEmpty(name, vulkan(instance, name, "int", parameters, instance, count, null))) return [];
  const devices = new BigUint64Array(count[0]!);
  if (isEmpty(name, vulkan(instance, name, "int", parameters, instance, count, devices))) return [];
  return [...devices.subarray(0, count[0]!)];
}

/** @returns Nothing for a driver that is too old for WebGPU. */
function describe(
  vulkan: Calls,
  addressOf: (bytes: Uint8Array) => bigint,
  instance: bigint,
  device: bigint,
): Omit<VulkanGpu, "index"> | undefined {
  const properties = structure(physicalDeviceProperties2, 16 + 824);
  const read = (...chain: readonly Uint8Array[]) => {
    [properties, ...chain].forEach((each, i, all) => {
      const next = all[i + 1];
      new DataView(each.buffer).setBigUint64(8, next ? addressOf(next) : 0n, true);
    });
    vulkan(instance, "vkGetPhysicalDeviceProperties2", "void", ["void *", "void *"], device, properties);
  };
  // First alone: some drivers print a warning at a structure that they do not know.
  read();
  const view = new DataView(properties.buffer, 16);
  const apiVersion = view.getUint32(0, true);
  if (apiVersion < version1p1) return undefined;
  const extensions = extensionsOf(vulkan, instance, device);
  const ids = structure(physicalDeviceIdProperties, 64);
  const driver = structure(physicalDeviceDriverProperties, 536);
  const pci = structure(physicalDevicePciBusInfoProperties, 32);
  const namesDriver = apiVersion >= version1p2 || extensions.has("VK_KHR_driver_properties");
  const hasAddress = extensions.has("VK_EXT_pci_bus_info");
  read(ids, ...(namesDriver ? [driver] : []), ...(hasAddress ? [pci] : []));
  const [deviceUuid, driverUuid] = [[...ids.subarray(16, 32)], [...ids.subarray(32, 48)]];
  return {
    name: textAt(properties, 16 + 20),
    uuid: showUuid(deviceUuid),
    pciAddress: hasAddress ? showAddress(new Uint32Array(pci.buffer, 16, 4)) : undefined,
    driver: namesDriver ? `${textAt(driver, 20)} ${textAt(driver, 276)}`.trim() : undefined,
    kind: kinds[view.getUint32(16, true)] ?? "other",
    deviceUuid,
    driverUuid,
    driverVersion: view.getInt32(4, true),
  };
}

function extensionsOf(vulkan: Calls, instance: bigint, device: bigint): ReadonlySet<string> {
  const name = "vkEnumerateDeviceExtensionProperties";
  const parameters = ["void *", "void *", "void *", "void *"];
  const count = new Uint32Array(1);
  if (vulkan(instance, name, "int", parameters, device, null, count, null) < 0) return new Set();
  const each = 260;
  const bytes = new Uint8Array(count[0]! * each);
  if (vulkan(instance, name, "int", parameters, device, null, count, bytes) < 0) return new Set();
  return new Set(Array.from({ length: count[0]! }, (_, i) => textAt(bytes, i * each)));
}

/** @returns Whether a call found nothing; a call that fails otherwise throws. */
function isEmpty(name: string, result: number): boolean {
  if (result >= 0) return false;
  if (nothingToShow.includes(result)) return true;
  throw new ComputeError("no-adapter", `Vulkan does not list the GPUs: ${name} fails with the code ${result}.`);
}

/** A structure of Vulkan, which begins with its type. */
function structure(type: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  new DataView(bytes.buffer).setUint32(0, type, true);
  return bytes;
}

/** A text of C, which ends before its first zero. */
function textAt(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}

function showUuid(bytes: readonly number[]): string {
  const text = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-");
}

function showAddress([domain = 0, bus = 0, device = 0, part = 0]: Uint32Array): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${part.toString(16)}`;
}
