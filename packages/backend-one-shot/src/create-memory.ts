import { ComputeError } from "@kiln-gpu/core";
import { bytesOf, checkBorrowed, type RunPlan } from "@kiln-gpu/core/backend";
import { bufferUsage, inErrorScope, lossOr, mapMode, type OpenDevice, submissionError, unmap } from "@kiln-gpu/webgpu";

/** The buffers of one run: one for each resource, and a download buffer for each result. */
export interface RunMemory {
  readonly bufferCount: number;
  readonly byteLength: number;
  /** By resource; `undefined` for a resource that no pass binds. */
  readonly buffers: readonly (GPUBuffer | undefined)[];
  encodeDownload(encoder: GPUCommandEncoder): void;
  /**
   * Waits for the submission.
   * @param failure Resolves with the error of a submission that the device refused. Its bytes mean nothing, so this
   *   rejects.
   */
  map(failure: Promise<GPUError | null>): Promise<(resource: number) => { memory: ArrayBuffer; offset: number }>;
  /** Ends pending maps, which the device may never answer. */
  endMaps(): void;
  destroy(): void;
}

/**
 * @throws {ComputeError} `out-of-memory`; `invalid-binding` if the caller has transferred or resized an input since the
 *   call. Then nothing stays allocated.
 */
export async function createMemory(open: OpenDevice, plan: RunPlan): Promise<RunMemory> {
  const { device } = open;
  for (const resource of plan.resources) {
    if (resource.data && resource.byteLength > 0) checkBorrowed(() => `Kernel "${plan.label}"`, resource);
  }
  const all: GPUBuffer[] = [];
  let byteLength = 0;
  const create = (size: number, usage: number, data?: ArrayBufferView) => {
    byteLength += size;
    const buffer = device.createBuffer({ size, usage, mappedAtCreation: data !== undefined });
    all.push(buffer);
    if (data) {
      new Uint8Array(buffer.getMappedRange()).set(bytesOf(data));
      buffer.unmap();
    }
    return buffer;
  };
  const destroy = () => {
    for (const buffer of all) buffer.destroy();
  };
  const usage = bufferUsage.storage | bufferUsage.uniform | bufferUsage.copySource;
  let buffers: (GPUBuffer | undefined)[] = [];
  const downloads = new Map<number, GPUBuffer>();
  let refused: unknown;
  const scope = inErrorScope(device, "out-of-memory", () => {
    try {
      buffers = plan.resources.map(({ byteLength: size, data }) => (size > 0 ? create(size, usage, data) : undefined));
      for (const [i, { result, byteLength: size }] of plan.resources.entries()) {
        if (result) downloads.set(i, create(size, bufferUsage.mapRead | bufferUsage.copyDestination));
      }
    } catch (error) {
      // `createBuffer` throws if the host has no memory to map the buffer at creation.
      refused = error;
    }
  });
  refused ??= await scope.failure;
  if (refused) {
    destroy();
    const error = new ComputeError(
      "out-of-memory",
      `Kernel "${plan.label}" needs ${byteLength} bytes, which the device does not have.`,
      { cause: refused },
    );
    throw await lossOr(open, error);
  }
  return {
    bufferCount: all.length,
    byteLength,
    buffers,
    encodeDownload(encoder) {
      for (const [resource, download] of downloads) {
        encoder.copyBufferToBuffer(buffers[resource]!, 0, download, 0, download.size);
      }
    },
    async map(failure) {
      const maps = Promise.all([...downloads.values()].map((buffer) => buffer.mapAsync(mapMode.read))).catch(
        async (error) => {
          throw await lossOr(open, error);
        },
      );
      const [refusal] = await Promise.all([failure, maps]);
      if (open.loss) throw open.loss;
      if (refusal) throw submissionError(`Kernel "${plan.label}"`, refusal);
      // A range of a buffer can be asked for once.
      const ranges = new Map<number, ArrayBuffer>();
      return (resource) => {
        let memory = ranges.get(resource);
        if (!memory) ranges.set(resource, (memory = downloads.get(resource)!.getMappedRange()));
        return { memory, offset: 0 };
      };
    },
    endMaps() {
      for (const download of downloads.values()) if (download.mapState === "pending") unmap(download);
    },
    destroy,
  };
}
