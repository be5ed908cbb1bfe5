import type { BackendStats } from "@kiln-gpu/core";

/** The statistics of one device. */
export type Counted = Omit<BackendStats, "runs" | "store">;

interface Countable {
  stats(): Counted;
}

/** Sums the statistics of all devices that a backend has had. */
export class Totals {
  #closed: Counted | undefined;

  /** Adds the final statistics of a closed session. */
  add(session: Countable): void {
    this.#closed = this.with([session]);
  }

  /** The sum over the closed sessions and `sessions`. */
  with(sessions: readonly Countable[]): Counted {
    const all = sessions.map((session) => session.stats());
    if (this.#closed) all.push(this.#closed);
    return all.length === 1 ? all[0]! : all.reduce(sumOf);
  }
}

function sumOf(a: Counted, b: Counted): Counted {
  return {
    submissions: a.submissions + b.submissions,
    queue: sumOfEach(a.queue, b.queue),
    devices: sumOfEach(a.devices, b.devices),
    pipelines: sumOfEach(a.pipelines, b.pipelines),
    bindGroups: sumOfEach(a.bindGroups, b.bindGroups),
    buffers: {
      ...sumOfEach(a.buffers, b.buffers),
      highWaterBytes: Math.max(a.buffers.highWaterBytes, b.buffers.highWaterBytes),
    },
  };
}

function sumOfEach<T extends object>(a: T, b: T): T {
  const sum = { ...a } as { [name: string]: number };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + (value as number);
  return sum as T;
}
