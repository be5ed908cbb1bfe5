/**
 * The jobs between a client and its transport. Jobs wait here until there is room for them, and are sent again when
 * their server is lost. Every job is settled once.
 */
import { ComputeError, type ComputeErrorCode } from "@kiln-gpu/core";
import type { Caller } from "@kiln-gpu/core/backend";
import type { Transport, TransportEvent } from "./transport.js";

export interface OutboxLimits {
  /** How many jobs are with the transport at a time; the others wait. */
  readonly maxJobs: number;
  /** How many bytes of inputs and results these jobs have together. A larger job goes alone. */
  readonly maxBytes: number;
  /** How often a job is sent again after it was lost with its server. */
  readonly lossRetries: number;
}

/** What came back for a job. */
export interface Answer {
  readonly parts: readonly Uint8Array[];
  readonly queuedMs?: number;
}

export interface Delivery {
  readonly id: string;
  /** Begins the sentence of an error. */
  readonly subject: string;
  readonly caller: Caller;
  /** The bytes of its inputs and results. */
  readonly byteLength: number;
  readonly programs: ReadonlyMap<string, Uint8Array>;
  readonly priority?: number;
  /** Makes the parts to send; called again when the job is sent again. */
  parts(): readonly Uint8Array[];
  onProgress?(value: number): void;
  /** Called each time the job is sent again. */
  onRetry?(): void;
}

interface Job extends Delivery {
  losses: number;
  /** The errors of its losses. */
  reason: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Outbox {
  readonly #transport: Transport;
  readonly #limits: OutboxLimits;
  /** The next to be sent first. */
  readonly #waiting = new Set<Job>();
  /** Lost already, and to be sent before the others. */
  readonly #again = new Set<Job>();
  readonly #sent = new Map<string, Job>();
  #sentBytes = 0;
  /** A job that is suspected of ending its servers; while it is on its way, no other is sent. */
  #suspect: Job | undefined;
  #failure: ComputeError | undefined;

  constructor(transport: Transport, limits: OutboxLimits) {
    this.#transport = transport;
    this.#limits = limits;
    transport.receive((event) => this.#receive(event));
  }

  /** How many jobs wait for room, and how many are with the transport. */
  get counts(): { readonly waiting: number; readonly inFlight: number } {
    return { waiting: this.#waiting.size + this.#again.size, inFlight: this.#sent.size };
  }

  /**
   * Resolves with what comes back for a job. If its caller leaves, it is taken back, and this rejects with the caller's
   * reason once nothing of it is on its way any more.
   * @throws {ComputeError} `device-lost` if the job was lost too often; what the transport throws.
   */
  deliver(delivery: Delivery): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const job: Job = { ...delivery, parts: () => delivery.parts(), losses: 0, reason: "", resolve, reject };
      this.#waiting.add(job);
      job.caller.onLeave((reason) => this.#takeBack(job, reason));
      this.#sendNext();
    });
  }

  #takeBack(job: Job, reason: ComputeError): void {
    if (this.#waiting.delete(job) || this.#again.delete(job)) return job.reject(reason);
    // If it cannot be taken back, its result or its loss comes.
    if (this.#sent.has(job.id)) this.#transport.cancel(job.id).catch(() => undefined);
  }

  #sendNext(): void {
    for (const queue of [this.#again, this.#waiting]) {
      for (const job of queue) {
        if (!this.#hasRoom(job)) return;
        queue.delete(job);
        this.#send(job);
      }
    }
  }

  #hasRoom({ losses, byteLength }: Job): boolean {
    if (this.#sent.size === 0) return true;
    const { maxJobs, maxBytes } = this.#limits;
    // All jobs of a lost server are suspects at first. What is lost again goes alone, so that it is blamed alone.
    if (this.#suspect || losses > 1) return false;
    return this.#sent.size < maxJobs && this.#sentBytes + byteLength <= maxBytes;
  }

  #send(job: Job): void {
    const { id, programs, priority } = job;
    this.#sent.set(id, job);
    this.#sentBytes += job.byteLength;
    if (job.losses > 1) this.#suspect = job;
    const fail = (error: unknown) => {
      if (this.#end(id)) job.reject(error);
      this.#sendNext();
    };
    try {
      this.#transport
        .send({ id, parts: job.parts(), programs, ...(priority !== undefined && { priority }) })
        .catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** Takes a job from those that are with the transport. */
  #end(id: string): Job | undefined {
    const job = this.#sent.get(id);
    if (!job) return undefined;
    this.#sent.delete(id);
    this.#sentBytes -= job.byteLength;
    if (this.#suspect === job) this.#suspect = undefined;
    return job;
  }

  #receive(event: TransportEvent): void {
    if (event.kind === "failed") return this.#fail(event.reason, event.code);
    // A job that was sent twice may come back twice.
    const job = event.kind === "progress" ? this.#sent.get(event.id) : this.#end(event.id);
    if (!job) return;
    if (event.kind === "progress") return job.onProgress?.(event.value);
    if (event.kind === "lost") this.#lose(job, event.reason);
    else if (job.caller.left) job.reject(job.caller.left);
    else job.resolve(event);
    this.#sendNext();
  }

  #lose(job: Job, reason: string): void {
    if (job.caller.left) return job.reject(job.caller.left);
    job.losses += 1;
    if (job.losses > this.#limits.lossRetries) {
      const times = job.losses === 1 ? "" : ` ${job.losses} times, the last time`;
      return job.reject(new ComputeError("device-lost", `${job.subject} was lost${times} with its server: ${reason}`));
    }
    job.onRetry?.();
    this.#again.add(job);
  }

  #fail(reason: string, code: ComputeErrorCode = "device-lost"): void {
    this.#failure = new ComputeError(code, reason);
    const jobs = [...this.#sent.values(), ...this.#again, ...this.#waiting];
    this.#sent.clear();
    this.#again.clear();
    this.#waiting.clear();
    for (const job of jobs) job.reject(job.caller.left ?? this.#failure);
  }
}
