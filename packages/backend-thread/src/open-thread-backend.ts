import { type ComputeBackend, ComputeError, type DeviceInfo, type Tracer } from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames } from "@kiln-gpu/core/backend";
import {
  ChannelClient,
  decodeError,
  type OutgoingJob,
  type Transport,
  TransportBackend,
  type TransportEvent,
} from "@kiln-gpu/frames";
import { detachable, type FromThread, hear, listen, post, type ThreadPort } from "./thread-port.js";

export interface ThreadBackendOptions {
  /**
   * How many runs are with the thread at a time; the others wait.
   * @default 256
   */
  readonly maxJobs?: number;
  /**
   * How many bytes of inputs and results the runs that are with the thread have together. A larger run goes alone.
   * @default 256 MiB
   */
  readonly maxBytes?: number;
  /** Receives the runs, as this thread sees them. */
  readonly tracer?: Tracer;
}

const names = optionNames<ThreadBackendOptions>({ maxJobs: true, maxBytes: true, tracer: true });

/**
 * Opens the backend that another thread serves with `serveThread`.
 * @param port The worker of Node or of the page, or a `MessagePort` to it.
 * @throws {ComputeError} What the other thread throws while it opens its backend; `device-lost` if it ends before;
 *   `invalid-option`.
 */
export async function openThreadBackend(port: ThreadPort, options: ThreadBackendOptions = {}): Promise<ComputeBackend> {
  if (typeof (port as Partial<ThreadPort> | null | undefined)?.postMessage !== "function") {
    throw new ComputeError(
      "invalid-option",
      `openThreadBackend: the port must be a Worker or a MessagePort; got ${describeValue(port)}.`,
    );
  }
  checkOptionNames("openThreadBackend", options, names);
  const { maxJobs, maxBytes, tracer } = options;
  for (const [name, value] of Object.entries({ maxJobs, maxBytes })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new ComputeError(
      "invalid-option",
      `openThreadBackend: "${name}" must be a whole number, 1 or more; got ${describeValue(value)}.`,
    );
  }
  const transport = new ThreadTransport(port);
  const device = await transport.opened;
  const limits = {
    lossRetries: 0,
    ...(maxJobs !== undefined && { maxJobs }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
  return new TransportBackend({ name: "thread", device, transport, limits, tracer });
}

class ThreadTransport implements Transport {
  /** Resolves with the device of the other thread. */
  readonly opened: Promise<DeviceInfo>;
  readonly #port: ThreadPort;
  readonly #jobs: ChannelClient;
  readonly #stops: readonly (() => void)[];
  #listener: ((event: TransportEvent) => void) | undefined;
  #settle!: { readonly resolve: (device: DeviceInfo) => void; readonly reject: (error: unknown) => void };
  #onClosed: (() => void) | undefined;
  #ended: string | undefined;

  constructor(port: ThreadPort) {
    this.#port = port;
    this.opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#jobs = new ChannelClient((message) => {
      if (message.kind !== "job") return post(port, message);
      const { parts, transfer } = detachable(message.parts, false);
      post(port, { ...message, parts }, transfer);
    });
    this.#stops = [
      listen<FromThread>(port, (message) => this.#hear(message)),
      hear(port, "error", (error) =>
        this.#end(`an error ended it: ${error instanceof Error ? error.message : "see above"}`),
      ),
      hear(port, "exit", () => this.#end("it has ended")),
      hear(port, "close", () => this.#end("its port is closed")),
    ];
  }

  receive(listener: (event: TransportEvent) => void): void {
    this.#listener = listener;
  }

  async send(job: OutgoingJob): Promise<void> {
    this.#jobs.send(job);
  }

  async cancel(id: string): Promise<void> {
    this.#jobs.cancel(id);
  }

  /** Waits until the other thread has disposed its backend. */
  async close(): Promise<void> {
    if (this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#onClosed = resolve;
        post(this.#port, { kind: "close" });
      });
    }
    for (const stop of this.#stops) stop();
  }

  #hear(message: FromThread): void {
    if (message.kind === "ready") return this.#settle.resolve(message.device);
    if (message.kind === "failed") return this.#settle.reject(decodeError(message.error));
    if (message.kind === "closed") return this.#onClosed?.();
    const event = this.#jobs.receive(message);
    if (event) this.#listener?.(event);
  }

  /** The thread has ended, and no other takes its place. */
  #end(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    const reason = `The thread of the backend is gone: ${how}.`;
    this.#settle.reject(new ComputeError("device-lost", reason));
    this.#onClosed?.();
    this.#listener?.({ kind: "failed", reason });
  }
}
