/** A `GPUDevice` that belongs to the caller of Kiln, and ways to make it fail. */
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

/** Opens devices for a backend and watches their submissions. */
export class WatchedDevices {
  #onSubmit: (() => void)[] = [];

  /** The `device` option of a backend. */
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

/** Expects that `device` still works: writes bytes and reads them back. */
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

/** When the device reports the fault: while commands are recorded, or at the submission. */
export type FaultTime = "recording" | "submit";

/** Marks the run that is to fail: only a victim dispatches this many workgroups in y. */
export const victimWorkgroups = 13;

/** Adds an invalid command to each submission that contains a victim, as a defect of Kiln would. */
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
 * Makes every out-of-memory scope of the device report an error.
 * @returns A function that undoes this.
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

/** Logs when Kiln records and submits commands. A command buffer that is submitted twice throws. */
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
