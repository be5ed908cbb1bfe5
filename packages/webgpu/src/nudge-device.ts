import { bufferUsage } from "./gpu-flags.js";

const everyMs = 5000;

/** Submits a tiny piece of work. It may fail: the caller waits for other work, and that reports the failure. */
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
 * Gives a device a tiny submission every 5 s while callers wait for it. Some drivers report that they have reset a
 * device only to new work, so a caller that just waits would wait for ever. The timer keeps no process alive.
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

  /** For good: the device is lost or closed. */
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
