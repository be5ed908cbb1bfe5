/** How much a persistent backend keeps, and how long it waits. */
export interface KeepLimits {
  /**
   * Bytes of all buffers together, staging buffers included. A run waits while there is no room, and is refused if it
   * could never fit.
   * @default 2147483648
   */
  readonly byteBudget: number;
  /**
   * How many milliseconds a run waits for memory while only leases, staged memory, arrays and sequences of callers hold
   * it, and nothing is under way that would give any back. Then the first run in line rejects with `out-of-memory`, and
   * those behind it follow soon after, unless they need less.
   * @default 10000
   */
  readonly memoryWaitMs: number;
  /**
   * How many milliseconds an unused buffer is kept. It is destroyed after at most twice that time.
   * @default 30000
   */
  readonly maxIdleMs: number;
  /**
   * Pipelines that are kept.
   * @default 256
   */
  readonly maxPipelines: number;
  /**
   * Bind groups (Vulkan: descriptor sets) that are kept.
   * @default 2048
   */
  readonly maxDescriptorSets: number;
  /**
   * Bindings of all bind groups together.
   * @default 8192
   */
  readonly maxDescriptors: number;
  /**
   * Submissions in flight. Further runs gather into the next one.
   * @default 3
   */
  readonly maxSubmissions: number;
  /**
   * How many milliseconds the device may work for callers that have all left, on a signal or a timeout. Then the
   * backend abandons the device and opens another.
   * @default 2000
   */
  readonly graceMs: number;
  /**
   * How many milliseconds one submission may keep the device. Then its runs reject with `timeout`.
   * @default Infinity
   */
  readonly deadlineMs: number;
  /**
   * How many abandoned devices there may be at a time, each with a kernel that does not end.
   * @default 4
   */
  readonly maxAbandoned: number;
}
