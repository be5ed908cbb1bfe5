/**
 * The signals that calls wait on. A signal gets one listener however many calls share it: Node warns of a leak at more
 * than ten.
 */
export class AbortSignals {
  readonly #calls = new Map<AbortSignal, { readonly listeners: Set<() => void>; readonly onAbort: () => void }>();

  /** Calls `listener` when `signal` aborts, unless it is deleted before. */
  add(signal: AbortSignal, listener: () => void): void {
    let call = this.#calls.get(signal);
    if (!call) {
      const listeners = new Set<() => void>();
      const onAbort = () => {
        this.#calls.delete(signal);
        for (const each of listeners) each();
      };
      call = { listeners, onAbort };
      this.#calls.set(signal, call);
      signal.addEventListener("abort", onAbort, { once: true });
    }
    call.listeners.add(listener);
  }

  delete(signal: AbortSignal, listener: () => void): void {
    const call = this.#calls.get(signal);
    if (!call?.listeners.delete(listener) || call.listeners.size > 0) return;
    this.#calls.delete(signal);
    signal.removeEventListener("abort", call.onAbort);
  }
}
