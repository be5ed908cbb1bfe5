import { ComputeError, type DeviceEvents } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";

type Listener = (event: DeviceEvents[keyof DeviceEvents]) => void;

/** The listeners for losses and recoveries. */
export class DeviceListeners {
  readonly #listeners = new Map<keyof DeviceEvents, Set<Listener>>([
    ["lost", new Set()],
    ["recovered", new Set()],
  ]);

  /**
   * @returns A function that forgets `listener`.
   * @throws {ComputeError} `invalid-option` for another event, or if `listener` is not a function.
   */
  on<E extends keyof DeviceEvents>(event: E, listener: (event: DeviceEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event);
    if (!listeners || typeof listener !== "function") {
      throw new ComputeError(
        "invalid-option",
        `on: "event" must be "lost" or "recovered", with a function as the listener; got ${describeValue(event)} with ${describeValue(listener)}.`,
      );
    }
    // A wrapper, so that one function can be registered twice.
    const own: Listener = (told) => listener(told as DeviceEvents[E]);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  emit<E extends keyof DeviceEvents>(event: E, told: DeviceEvents[E]): void {
    for (const listener of [...this.#listeners.get(event)!]) {
      try {
        listener(told);
      } catch (error) {
        // Nothing here can handle a listener's defect, and it must not pass in silence.
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
