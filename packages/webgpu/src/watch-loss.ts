/** Everything that wants to know of one device's loss. */
interface LossWatch {
  info: GPUDeviceLostInfo | undefined;
  readonly listeners: Set<(info: GPUDeviceLostInfo) => void>;
}

const watches = new WeakMap<GPUDevice, LossWatch>();

/**
 * Calls `listener` when the device is lost, or at once if it is lost already.
 * @returns A function that forgets the listener.
 */
export function watchLoss(device: GPUDevice, listener: (info: GPUDeviceLostInfo) => void): () => void {
  const { listeners, info } = watchOf(device);
  if (info) listener(info);
  else listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The one watch of a device. A promise never forgets a reaction, so a device that outlives many backends gets one
 * reaction for all of them. This is a function of its own so that the reaction cannot reach the first listener.
 */
function watchOf(device: GPUDevice): LossWatch {
  const existing = watches.get(device);
  if (existing) return existing;
  const watch: LossWatch = { info: undefined, listeners: new Set() };
  watches.set(device, watch);
  device.lost.then((info) => {
    watch.info = info;
    for (const listener of [...watch.listeners]) listener(info);
    watch.listeners.clear();
  });
  return watch;
}
