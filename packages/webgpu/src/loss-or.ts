import { hasOwnWebGpu } from "./instance.js";
import type { OpenDevice } from "./open-device.js";

/** A browser hears of a loss from another process, and may have told by then that a map has failed. */
const browserPatienceMs = 250;

/**
 * What a failed step of a device's should be reported as: the loss, if there is one, else `error` itself. A step may fail just
 * before the loss is told, so this gives it a turn of the event loop, or in a browser some time.
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
