import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import type { Account } from "./account.js";

/** Opens devices, and loses the latest as a driver's reset would. */
export class LosableDevices {
  readonly #options: OpenDeviceOptions;
  readonly #account: Account;
  #latest: GPUDevice | undefined;
  #losses = 0;

  constructor(options: OpenDeviceOptions, account: Account) {
    this.#options = options;
    this.#account = account;
  }

  get losses(): number {
    return this.#losses;
  }

  readonly open = async (): Promise<GPUDevice> => {
    const { device } = await openDevice(this.#options);
    device.addEventListener("uncapturederror", ({ error }) => {
      this.#account.complain(`A device says outside of any run: ${error.message}`);
    });
    this.#latest = device;
    return device;
  };

  /** @returns Whether there was one to lose. */
  lose(): boolean {
    const device = this.#latest;
    if (!device) return false;
    this.#latest = undefined;
    this.#losses += 1;
    device.destroy();
    return true;
  }
}
