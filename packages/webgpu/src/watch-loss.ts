/** Who wants to know of a device's loss: one reaction on `device.lost` for each device, whoever comes and goes. */
interface LossWatch {
  info: GPUDeviceLostInfo | undefined;
  readonly listeners: Set<(info: GPUDeviceLostInfo) => void>;
}

const watches = new WeakMap<GPUDevice, LossWatch>();

/**
 * Calls `listener` when the device is lost. A promise's reactions can't be taken back, so those of a caller's device that outlives
 * many backends would keep them all.
 * @returns A function that forgets the listener.
 */
export function watchLoss(device: GPUDevice, listener: (info: GPUDeviceLostInfo) => void): () => void {
  let watch = watches.get(device);
  if (!watch) {
    const created: LossWatch = { info: undefined, listeners: new Set() };
    watch = created;
    watches.set(device, created);
    device.lost.then((info) => {
      created.info = info;
      for (const told of [...created.listeners]) told(info);
      created.listeners.clear();
    });
  }
  const { listeners, info } = watch;
  if (info) listener(info);
  else listeners.add(listener);
  return () => listeners.delete(listener);
}
