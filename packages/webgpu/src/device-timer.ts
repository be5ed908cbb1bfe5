import { bufferUsage, mapMode } from "./gpu-flags.js";

/** Measures one compute pass on the device's own clock, where it has timestamp queries. */
export interface DeviceTimer {
  readonly timestampWrites: GPUComputePassTimestampWrites;
  /** Recorded after the pass. */
  resolve(encoder: GPUCommandEncoder): void;
  /** After the submission is done: nanoseconds between the pass's begin and end. */
  read(): Promise<number>;
  destroy(): void;
}

export function createDeviceTimer(device: GPUDevice): DeviceTimer | undefined {
  if (!device.features.has("timestamp-query")) return undefined;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: bufferUsage.queryResolve | bufferUsage.copySource });
  const readable = device.createBuffer({ size: 16, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
  return {
    timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    resolve(encoder) {
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
    },
    async read() {
      await readable.mapAsync(mapMode.read);
      const [begin, end] = new BigUint64Array(readable.getMappedRange());
      readable.unmap();
      return Number(end! - begin!);
    },
    destroy() {
      querySet.destroy();
      resolved.destroy();
      readable.destroy();
    },
  };
}
