import type { OpenDevice } from "./open-device.js";
import { hasOwnWebGpu } from "./own-web-gpu.js";

/** A browser hears of a loss from another process, so a map may fail before the loss is told. */
const browserPatienceMs = 250;

/**
 * The error to report for a failed step on a device: the loss if there is one, otherwise `error`. A step may fail just
 * before the loss is told, so this waits for a turn of the event loop, and in a browser for a quarter of a second.
 */
export async function lossOr(open: OpenDevice, error: unknown): Promise<unknown> {
  if (!open.loss) {
    await new Promise<void>((resolve) => {
      const forget = open.onLoss(() => resolve());
      setTimeout(
        () => {
          forget();
          resolve();
        },
        hasOwnWebGpu() ? browserPatienceMs : 0,
      );
    });
  }
  return open.loss ?? error;
}
