import type { OpenDevice } from "./open-device.js";

/**
 * What a failed step of a device's should be reported as: the loss, if there is one, else `error` itself. A step may fail just
 * before the loss is told, so this gives it a turn of the event loop.
 */
export async function lossOr(open: OpenDevice, error: unknown): Promise<unknown> {
  if (!open.loss) await new Promise((resolve) => setTimeout(resolve, 0));
  return open.loss ?? error;
}
