import type { BackendStats } from "@kiln-gpu/core";

/** Counts objects that are created and destroyed; a one-shot backend reuses none. */
class Counter {
  #made = 0;
  #live = 0;
  #bytes = 0;
  #highWaterBytes = 0;

  add(count: number, bytes = 0): void {
    this.#made += count;
    this.#live += count;
    this.#bytes += bytes;
    this.#highWaterBytes = Math.max(this.#highWaterBytes, this.#bytes);
  }

  remove(count: number, bytes = 0): void {
    this.#live -= count;
    this.#bytes -= bytes;
  }

  stats() {
    return { made: this.#made, reused: 0, live: this.#live };
  }

  memoryStats() {
    const bytes = this.#bytes;
    return { ...this.stats(), bytes, highWaterBytes: this.#highWaterBytes, inUseBytes: bytes, waiting: 0 };
  }
}

export class Tally {
  readonly devices = new Counter();
  readonly pipelines = new Counter();
  readonly bindGroups = new Counter();
  readonly buffers = new Counter();
  submissions = 0;
  inFlight = 0;
  lostDevices = 0;
  abandonedDevices = 0;

  stats(): Omit<BackendStats, "runs"> {
    return {
      submissions: this.submissions,
      queue: { waiting: 0, inFlight: this.inFlight },
      devices: { ...this.devices.stats(), lost: this.lostDevices, abandoned: this.abandonedDevices },
      pipelines: { ...this.pipelines.stats(), evicted: 0, warmed: 0 },
      bindGroups: { ...this.bindGroups.stats(), evicted: 0 },
      buffers: this.buffers.memoryStats(),
      store: { hits: 0, misses: 0, failures: 0, programs: 0 },
    };
  }
}
