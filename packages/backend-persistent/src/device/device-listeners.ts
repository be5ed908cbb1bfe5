import { ComputeError, type DeviceEvents } from "@kiln-gpu/core";

type Listener = (event: DeviceEvents[keyof DeviceEvents]) => void;

/** Who is told of losses and recoveries. */
export class DeviceListeners {
  readonly #listeners = new Map<keyof DeviceEvents, Set<Listener>>([
    ["lost", new Set()],
    ["recovered", new Set()],
  ]);

  /**
   * @returns A function that forgets `listener`.
   * @throws {ComputeError} `invalid-option` for another event, or what is no function.
   */
  on<E extends keyof DeviceEvents>(event: E, listener: (event: DeviceEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event);
    if (!listeners || typeof listener !== "function") {
      throw new ComputeError(
        "invalid-option",
        `A backend is listened to for ${JSON.stringify(event)} with ${typeof listener}; expected is "lost" or "recovered", with a function.`,
      );
    }
    // Of its own, so that one function may listen twice.
    const own: Listener = (told) => listener(told as DeviceEvents[E]);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  emit<E extends keyof DeviceEvents>(event: E, told: DeviceEvents[E]): void {
    for (const listener of [...this.#listeners.get(event)!]) {
      try {
        listener(told);
      } catch (error) {
        // A defect of the listener's is nobody's here to handle, and must not pass in silence.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
  }
}
