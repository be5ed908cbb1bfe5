import type { JobServer } from "./job-server.js";
import type { OutgoingJob, Transport, TransportEvent } from "./transport.js";

/** A transport to a server in the same thread. Nothing is copied on the way. */
export class LocalTransport implements Transport {
  readonly #server: JobServer;
  readonly #running = new Map<string, AbortController>();
  #listener: ((event: TransportEvent) => void) | undefined;

  constructor(server: JobServer) {
    this.#server = server;
  }

  async send({ id, parts, programs }: OutgoingJob): Promise<void> {
    if (this.#running.has(id)) return;
    const controller = new AbortController();
    this.#running.set(id, controller);
    const { signal } = controller;
    this.#server.run({ parts, findProgram: (hash) => programs.get(hash)!, signal }).then((answer) => {
      this.#running.delete(id);
      this.#listener?.({ kind: "result", id, parts: answer });
    });
  }

  async cancel(id: string): Promise<void> {
    this.#running.get(id)?.abort();
  }

  receive(listener: (event: TransportEvent) => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    for (const controller of this.#running.values()) controller.abort();
  }
}
