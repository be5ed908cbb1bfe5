/** A `GPUDevice` as a caller of Kiln may have one, and faults that it can be made to have. */
import { type OpenDevice, openDevice } from "@kiln-gpu/webgpu";
import { expect } from "vitest";
import { software } from "./software.js";

const usage = { mapRead: 0x1, copySource: 0x4, copyDestination: 0x8 } as const;
const mapRead = 0x1;

/** Opens a device, hands it to `work`, and closes it. */
export async function withOwnDevice(work: (device: GPUDevice) => Promise<void>): Promise<void> {
  const open: OpenDevice = await openDevice(software);
  try {
    await work(open.device);
  } finally {
    await open.close();
  }
}

/** Resolves in the microtasks after the next `submit`, before the device can have answered. */
export function nextSubmission({ queue }: GPUDevice): Promise<void> {
  const { submit } = queue;
  return new Promise((resolve) => {
    queue.submit = (commands) => {
      queue.submit = submit;
      submit.call(queue, commands);
      resolve();
      return undefined;
    };
  });
}

/** Opens devices for a backend, and tells of their submissions. */
export class WatchedDevices {
  #onSubmit: (() => void)[] = [];

  /** A backend's option `device`. */
  readonly device = async (): Promise<GPUDevice> => {
    const { device } = await openDevice(software);
    const { queue } = device;
    const submit = queue.submit.bind(queue);
    queue.submit = (commands) => {
      submit(commands);
      for (const tell of this.#onSubmit.splice(0)) tell();
      return undefined;
    };
    return device;
  };

  /** Resolves in the microtasks after the next `submit`, before the device can have answered. */
  nextSubmission(): Promise<void> {
    return new Promise((resolve) => this.#onSubmit.push(resolve));
  }
}

/** Expects that `device` is alive: bytes go in and come out again. */
export async function expectUsable(device: GPUDevice): Promise<void> {
  const given = new Uint32Array([7, 11, 13, 17]);
  const source = device.createBuffer({ size: 16, usage: usage.copySource | usage.copyDestination });
  const target = device.createBuffer({ size: 16, usage: usage.mapRead | usage.copyDestination });
  device.queue.writeBuffer(source, 0, given);
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, target, 0, 16);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(mapRead);
  expect([...new Uint32Array(target.getMappedRange())]).toEqual([...given]);
  source.destroy();
  target.destroy();
  expect(await Promise.race([device.lost, "alive"])).toBe("alive");
}

/** When the device finds the fault: as it records the commands, or not before they are submitted. */
export type FaultTime = "recording" | "submit";

/** A mark that a run is told from others by, however it is recorded: so many workgroups in y, and no others so. */
export const victimWorkgroups = 13;

/** Gives each submission in which a victim takes part a command that the device refuses, as a defect of ours would. */
export function sabotage(device: GPUDevice, time: FaultTime): void {
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    const finish = encoder.finish.bind(encoder);
    let hasVictim = false;
    encoder.beginComputePass = (passDescriptor) => {
      const pass = beginComputePass(passDescriptor);
      const dispatchWorkgroups = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (x, y, z) => {
        const isVictim = y === victimWorkgroups;
        hasVictim ||= isVictim;
        dispatchWorkgroups(isVictim && time === "recording" ? 70_000 : x, y, z);
      };
      return pass;
    };
    encoder.finish = (finishDescriptor) => {
      if (hasVictim && time === "submit") {
        const destroyed = device.createBuffer({ size: 16, usage: usage.copyDestination });
        destroyed.destroy();
        encoder.clearBuffer(destroyed);
      }
      return finish(finishDescriptor);
    };
    return encoder;
  };
}

/**
 * Makes the device say that it has no memory, to everyone who asks.
 * @returns A function that gives it its memory back.
 */
export function starve(device: GPUDevice): () => void {
  const pushErrorScope = device.pushErrorScope.bind(device);
  const popErrorScope = device.popErrorScope.bind(device);
  const filters: GPUErrorFilter[] = [];
  device.pushErrorScope = (filter) => {
    filters.push(filter);
    pushErrorScope(filter);
  };
  device.popErrorScope = async () => {
    const isAboutMemory = filters.pop() === "out-of-memory";
    const error = await popErrorScope();
    return isAboutMemory ? ({ message: "no memory left, says the suite" } as GPUError) : error;
  };
  return () => {
    device.pushErrorScope = pushErrorScope;
    device.popErrorScope = popErrorScope;
  };
}

/** What Kiln asks of `device`, in order: to record commands, and to submit them. Submits nothing twice. */
export function watchCommands(device: GPUDevice): ("record" | "submit")[] {
  const asked: ("record" | "submit")[] = [];
  const submitted = new WeakSet<GPUCommandBuffer>();
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    asked.push("record");
    return createCommandEncoder(descriptor);
  };
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    asked.push("submit");
    for (const commands of buffers) {
      if (submitted.has(commands)) throw new Error("A command buffer is submitted twice.");
      submitted.add(commands);
    }
    return submit(buffers);
  };
  return asked;
}
