import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { DeviceLost } from "@kiln-gpu/core";
import type { GpuInfo } from "@kiln-gpu/webgpu";

/** One of the GPUs, its backend and its load. */
export class Member {
  readonly gpu: GpuInfo;
  readonly backend: PersistentComputeBackend;
  #running = 0;
  #isLost = false;
  #loss = new AbortController();

  constructor(gpu: GpuInfo, backend: PersistentComputeBackend) {
    this.gpu = gpu;
    this.backend = backend;
    backend.on("lost", (event) => this.#lose(event));
    backend.on("recovered", () => {
      this.#isLost = false;
    });
  }

  /** How many runs and replays have begun and not ended. */
  get running(): number {
    return this.#running;
  }

  /** Whether its device is lost, and no other has taken its place yet. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Aborts when the device of now is lost; the reason is the loss. */
  get loss(): AbortSignal {
    return this.#loss.signal;
  }

  /** Counts `work` as running until it ends. */
  async load<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }

  #lose({ reason, isRecovering }: DeviceLost): void {
    this.#isLost = true;
    const lost = this.#loss;
    this.#loss = new AbortController();
    lost.abort(reason);
    // A backend opens another device when a call needs one, and no run comes to a GPU that is lost.
    if (isRecovering)
      this.backend.array(Uint8Array, 4).then(
        (array) => array.dispose(),
        () => undefined,
      );
  }
}

/** The one with the fewest runs, of those whose device is not lost if there are any; the first of several. */
export function leastLoaded(members: readonly Member[]): Member {
  const ready = members.filter(({ isLost }) => !isLost);
  return (ready.length > 0 ? ready : members).reduce((least, each) => (each.running < least.running ? each : least));
}
