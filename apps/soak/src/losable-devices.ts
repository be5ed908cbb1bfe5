import { type OpenDeviceOptions, openDevice } from "@kiln-gpu/webgpu";
import type { Account } from "./account.js";

const answersWithinMs = 2000;

/** Opens devices, and loses the latest, as if its driver were reset. */
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
      this.#account.complain(`A device reports an error outside of any run: ${error.message}`);
    });
    this.#latest = device;
    return device;
  };

  /**
   * Loses the latest device, unless it does not answer. Then it is lost already, and destroying it would block until
   * the driver has reset it.
   * @returns Whether this call lost it.
   */
  async lose(): Promise<boolean> {
    const device = this.#latest;
    if (!device) return false;
    const answer = device.queue.onSubmittedWorkDone().then(() => true);
    const silence = new Promise<false>((resolve) => setTimeout(resolve, answersWithinMs, false));
    if (!(await Promise.race([answer, silence])) || device !== this.#latest) return false;
    this.#latest = undefined;
    this.#losses += 1;
    device.destroy();
    return true;
  }
}
