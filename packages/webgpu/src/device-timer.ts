import { inErrorScope } from "./error-scope.js";
import { bufferUsage, mapMode } from "./gpu-flags.js";

/** Measures one compute pass on the device's own clock. */
export interface DeviceTimer {
  readonly timestampWrites: GPUComputePassTimestampWrites;
  /** Call after the pass has ended. */
  resolve(encoder: GPUCommandEncoder): void;
  /** Call once after each submission. Resolves with the nanoseconds between the begin and the end of the pass. */
  read(): Promise<number>;
  destroy(): void;
}

/** Resolves with a timer; with `undefined` if the device has no timestamp queries, or no memory for one now. */
export async function createDeviceTimer(device: GPUDevice): Promise<DeviceTimer | undefined> {
  if (!device.features.has("timestamp-query")) return undefined;
  const made: { destroy(): void }[] = [];
  const { value: inner, failure: invalid } = inErrorScope(device, "validation", () =>
    inErrorScope(device, "out-of-memory", () => {
      try {
        return makeTimer(device, made);
      } catch {
        // The run goes on without its time.
        return undefined;
      }
    }),
  );
  const scopes = await Promise.allSettled([inner.failure, invalid]);
  const isMade = scopes.every((scope) => scope.status === "fulfilled" && scope.value === null);
  if (inner.value && isMade) return inner.value;
  for (const each of made) each.destroy();
  return undefined;
}

function makeTimer(device: GPUDevice, made: { destroy(): void }[]): DeviceTimer {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  made.push(querySet);
  const resolved = device.createBuffer({ size: 16, usage: bufferUsage.queryResolve | bufferUsage.copySource });
  made.push(resolved);
  const readable = device.createBuffer({ size: 16, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
  made.push(readable);
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
      for (const each of made) each.destroy();
    },
  };
}
