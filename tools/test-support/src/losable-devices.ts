/** Opens devices that a test can lose at any moment, as if the driver had reset. */
import { openDevice } from "@kiln-gpu/webgpu";
import { software } from "./software.js";

export class LosableDevices {
  readonly opened: GPUDevice[] = [];
  /** Messages of errors that no error scope caught. */
  readonly complaints: string[] = [];
  readonly #lost = new Set<GPUDevice>();

  /** The `device` option of a backend. */
  readonly open = async (): Promise<GPUDevice> => {
    const { device } = await openDevice(software);
    device.addEventListener("uncapturederror", ({ error }) => this.complaints.push(error.message));
    this.opened.push(device);
    return device;
  };

  /** How many devices `lose` has lost. */
  get lost(): number {
    return this.#lost.size;
  }

  /** Loses the latest device; no effect if it is lost already. */
  lose(): void {
    const device = this.opened.at(-1)!;
    this.#lost.add(device);
    device.destroy();
  }
}
