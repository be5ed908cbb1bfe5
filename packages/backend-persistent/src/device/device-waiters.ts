import type { ComputeError } from "@kiln-gpu/core";
import type { DeviceSession } from "./device-session.js";

interface Waiter {
  readonly resolve: (session: DeviceSession) => void;
  readonly reject: (reason: unknown) => void;
  /** How many devices were lost before the call received one. */
  losses: number;
}

/** The calls that wait for a device, in the order in which they came. */
export class DeviceWaiters {
  readonly #maxLosses: number;
  #waiting: Waiter[] = [];

  /** @param maxLosses After how many devices in a row that were lost as soon as they opened a call is rejected. */
  constructor(maxLosses: number) {
    this.#maxLosses = maxLosses;
  }

  get count(): number {
    return this.#waiting.length;
  }

  wait(): Promise<DeviceSession> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, losses: 0 }));
  }

  /** Resolves every waiting call with `session`. */
  give(session: DeviceSession): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(session);
  }

  /** Counts a device that was lost as soon as it opened. A call that has seen too many rejects. */
  lose(reason: ComputeError): void {
    this.#waiting = this.#waiting.filter((waiter) => {
      waiter.losses += 1;
      if (waiter.losses < this.#maxLosses) return true;
      waiter.reject(reason);
      return false;
    });
  }

  /** Rejects every waiting call: no device can be opened. */
  refuse(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
