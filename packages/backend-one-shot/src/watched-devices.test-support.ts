/** Devices of the software GPU whose calls a test counts, delays or spoils. */
import { defineKernel } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { bufferUsage, openDevice } from "@kiln-gpu/webgpu";
import { onTestFinished } from "vitest";

export const software = { fallback: softwareGpu, software: true };

/** Opens a device that is closed when the test has finished. */
export async function openTestDevice(): Promise<GPUDevice> {
  const open = await openDevice(software);
  onTestFinished(() => open.close());
  return open.device;
}

/** A backend's option `device`: opens devices, which the backend destroys, and shows each to `onOpen` first. */
export function ownDevices(onOpen: (device: GPUDevice) => void): () => Promise<GPUDevice> {
  return async () => {
    const { device } = await openDevice(software);
    onOpen(device);
    return device;
  };
}

/** Watches the resources that Kiln makes on `device` and has to destroy: `destroyed()` counts the calls for each. */
export function watchResources(device: GPUDevice): { readonly made: { destroy(): void }[]; destroyed(): number[] } {
  const made: { destroy(): void }[] = [];
  const counts = new Map<object, number>();
  const watch = <T extends { destroy(): void }>(resource: T): T => {
    made.push(resource);
    counts.set(resource, 0);
    const destroy = resource.destroy.bind(resource);
    resource.destroy = () => {
      counts.set(resource, counts.get(resource)! + 1);
      destroy();
    };
    return resource;
  };
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => watch(createBuffer(descriptor));
  const createQuerySet = device.createQuerySet.bind(device);
  device.createQuerySet = (descriptor) => watch(createQuerySet(descriptor));
  return { made, destroyed: () => [...counts.values()] };
}

/** Calls `listener` after each submission, before the device can have answered it. */
export function onSubmit({ queue }: GPUDevice, listener: () => void): void {
  const submit = queue.submit.bind(queue);
  queue.submit = (commands) => {
    submit(commands);
    listener();
    return undefined;
  };
}

/** Makes `device` refuse each run: its storage buffers lose the usage that a bind group needs. */
export function refuseBindGroups(device: GPUDevice): void {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => createBuffer({ ...descriptor, usage: descriptor.usage & ~bufferUsage.storage });
}

/** Gives the timestamps of every pass on `device` the values of `stamps`. */
export function setTimestamps(device: GPUDevice, stamps: readonly [begin: bigint, end: bigint]): void {
  const createBuffer = device.createBuffer.bind(device);
  const source = createBuffer({ size: 16, usage: bufferUsage.copySource | bufferUsage.copyDestination });
  device.queue.writeBuffer(source, 0, new BigUint64Array(stamps));
  device.createBuffer = (descriptor) => {
    const { usage } = descriptor;
    const isResolved = (usage & bufferUsage.queryResolve) !== 0;
    return createBuffer({ ...descriptor, usage: isResolved ? usage | bufferUsage.copyDestination : usage });
  };
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    encoder.resolveQuerySet = (_, __, ___, target, offset) => encoder.copyBufferToBuffer(source, 0, target, offset, 16);
    return encoder;
  };
}

export const double = defineKernel({
  label: "double",
  wgsl: `@group(0) @binding(0) var<storage, read> a: array<u32>;
    @group(0) @binding(1) var<storage, read_write> b: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&b)) { b[id.x] = a[id.x] * 2; }
    }`,
});
