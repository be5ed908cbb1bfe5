import type { DeviceLost, DeviceRecovered } from "@kiln-gpu/core";
import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { openPersistentBackend, type PersistentBackendOptions, type PersistentComputeBackend } from "../index.js";

const data = new RandomData(33);

/** A backend whose devices a test can lose, as a driver's reset would. */
export async function withLosses(
  work: (backend: PersistentComputeBackend, lose: () => void, devices: GPUDevice[]) => Promise<void>,
  options: PersistentBackendOptions = {},
): Promise<void> {
  const devices: GPUDevice[] = [];
  const device = async () => {
    const open = await openDevice(software);
    devices.push(open.device);
    return open.device;
  };
  const backend = await openPersistentBackend({ device, ...options });
  try {
    await work(backend, () => devices.at(-1)!.destroy(), devices);
  } finally {
    await backend.dispose();
  }
  expectNothingLive(backend);
}

/** The events of a backend, as they come. */
export function eventsOf(backend: PersistentComputeBackend) {
  const lost: DeviceLost[] = [];
  const recovered: DeviceRecovered[] = [];
  backend.on("lost", (event) => lost.push(event));
  backend.on("recovered", (event) => recovered.push(event));
  return { lost, recovered };
}

export const nextEvent = <E extends "lost" | "recovered">(backend: PersistentComputeBackend, event: E) =>
  new Promise<unknown>((resolve) => {
    const forget = backend.on(event, (told) => {
      forget();
      resolve(told);
    });
  });

export async function expectRun(backend: PersistentComputeBackend): Promise<void> {
  const a = data.floats(data.upTo(3000));
  const b = data.floats(a.length);
  expectSame(await runFieldAdd(backend, a, b), fieldAddReference(a, b));
}

/** Loses the device right after its next submission. */
export function loseAtWork(device: GPUDevice): void {
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (commands) => {
    submit(commands);
    device.destroy();
    return undefined;
  };
}
