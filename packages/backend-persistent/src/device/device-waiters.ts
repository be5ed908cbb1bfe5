import type { ComputeError } from "@kiln-gpu/core";
import type { DeviceSession } from "./device-session.js";

interface Waiter {
  readonly resolve: (session: DeviceSession) => void;
  readonly reject: (reason: unknown) => void;
  /** How many devices were lost before they could be given to it. */
  losses: number;
}

/** Those who wait for a device, in the order in which they came. */
export class DeviceWaiters {
  readonly #maxLosses: number;
  #waiting: Waiter[] = [];

  /** @param maxLosses How many devices in a row that are lost at once each of them waits through, at most. */
  constructor(maxLosses: number) {
    this.#maxLosses = maxLosses;
  }

  get count(): number {
    return this.#waiting.length;
  }

  wait(): Promise<DeviceSession> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, losses: 0 }));
  }

  /** Lets all of them go on with `session`. */
  give(session: DeviceSession): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(session);
  }

  /** Another device was lost at once: whoever has seen too many does not wait for more. */
  lose(reason: ComputeError): void {
    this.#waiting = this.#waiting.filter((waiter) => {
      waiter.losses += 1;
      if (waiter.losses < this.#maxLosses) return true;
      waiter.reject(reason);
      return false;
    });
  }

  /** No device is to be had. */
  refuse(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
