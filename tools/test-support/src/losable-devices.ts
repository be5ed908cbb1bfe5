/** Devices that a test can lose at any moment, as a driver's reset would. */
import { openDevice } from "@kiln-gpu/webgpu";
import { software } from "./software.js";

export class LosableDevices {
  readonly opened: GPUDevice[] = [];
  /** What devices said outside of every error scope. */
  readonly complaints: string[] = [];
  readonly #lost = new Set<GPUDevice>();

  /** For the `device` of a backend's options. */
  readonly open = async (): Promise<GPUDevice> => {
    const { device } = await openDevice(software);
    device.addEventListener("uncapturederror", ({ error }) => this.complaints.push(error.message));
    this.opened.push(device);
    return device;
  };

  /** How many were lost by `lose`. */
  get lost(): number {
    return this.#lost.size;
  }

  /** Loses the latest, unless it is lost already. */
  lose(): void {
    const device = this.opened.at(-1)!;
    this.#lost.add(device);
    device.destroy();
  }
}
