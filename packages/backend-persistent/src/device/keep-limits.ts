/** How much a persistent backend keeps, and how long it waits. */
export interface KeepLimits {
  /**
   * Bytes of all buffers together, staging buffers included. A run waits while there is no room, and is refused if it
   * could never fit.
   */
  readonly byteBudget: number;
  /**
   * How many milliseconds a run waits for memory while only leases, staged memory, arrays and sequences of callers hold
   * it, and nothing is under way that would give any back. Then the first run in line rejects with `out-of-memory`, and
   * those behind it follow soon after, unless they need less.
   */
  readonly memoryWaitMs: number;
  /** How many milliseconds an unused buffer is kept. It is destroyed after at most twice that time. */
  readonly maxIdleMs: number;
  /** Pipelines that are kept. */
  readonly maxPipelines: number;
  /** Bind groups (Vulkan: descriptor sets) that are kept. */
  readonly maxDescriptorSets: number;
  /** Bindings of all bind groups together. */
  readonly maxDescriptors: number;
  /** Submissions in flight. Further runs gather into the next one. */
  readonly maxSubmissions: number;
  /**
   * How many milliseconds the device may work for callers that have all left, on a signal or a timeout. Then the backend
   * abandons the device and opens another.
   */
  readonly graceMs: number;
  /** How many milliseconds one submission may keep the device. Then its runs reject with `timeout`. */
  readonly deadlineMs: number;
  /** How many abandoned devices there may be at a time, each with a kernel that does not end. */
  readonly maxAbandoned: number;
}
