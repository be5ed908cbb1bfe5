import { bufferUsage } from "./gpu-flags.js";

const everyMs = 5000;

/** Gives `device` a little to do. Whether it takes that is nobody's concern: who waits for it is told by what they wait for. */
export function nudge(device: GPUDevice): void {
  try {
    const buffer = device.createBuffer({ size: 4, usage: bufferUsage.copyDestination });
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(buffer);
    device.queue.submit([encoder.finish()]);
    buffer.destroy();
  } catch {}
}

/**
 * While a device is waited for, gives it something to do every few seconds: a driver that has reset it may say so only to who gives it work, and whoever
 * just waits would wait for ever. It costs nothing between these, and keeps no process alive.
 */
export class DeviceNudge {
  readonly #device: GPUDevice;
  #waiting = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #hasEnded = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  beginWait(): void {
    this.#waiting += 1;
    if (this.#timer !== undefined || this.#hasEnded) return;
    this.#timer = setInterval(() => this.#nudge(), everyMs);
    (this.#timer as { unref?(): void }).unref?.();
  }

  endWait(): void {
    this.#waiting -= 1;
  }

  /** The device is lost, or nobody's any more. */
  end(): void {
    this.#hasEnded = true;
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #nudge(): void {
    if (this.#waiting === 0) return this.#stop();
    nudge(this.#device);
  }
}
