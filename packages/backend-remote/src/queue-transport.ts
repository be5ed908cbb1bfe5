import { randomUUID } from "node:crypto";
import { ComputeError } from "@kiln-gpu/core";
import { joinParts, type OutgoingJob, splitParts, type Transport, type TransportEvent } from "@kiln-gpu/frames";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { JobData } from "./job-data.js";
import type { PayloadStore } from "./payload-store.js";
import { asBuffer, Payloads } from "./payloads.js";
import { connect, isKeyed, type QueueAddress, QueueKeys } from "./queue-address.js";
import { decodeReply, isPlace, type Place } from "./reply.js";
import { untilAccepted } from "./retry.js";
import { Subscriber } from "./subscriber.js";

export interface QueueTransportOptions {
  readonly store: PayloadStore | undefined;
  readonly storeBytes: number;
  /** After so long without news of a job, the transport asks Redis for it. */
  readonly silenceMs: number;
  /** How long Redis keeps a result. */
  readonly keepMs: number;
}

/** A job without an end yet. */
interface OpenJob {
  readonly id: string;
  /** What to send; absent for a job that another process sent. */
  readonly job: (Pick<OutgoingJob, "programs" | "priority"> & { readonly bytes: Uint8Array }) | undefined;
  readonly sentMs: number;
  /** Who waits for its end besides the transport's listener. */
  readonly attached: ((event: TransportEvent) => void)[];
  /** Whether the queue has it. */
  isSent: boolean;
  isCancelled: boolean;
  newsMs: number;
  /** How often it was sent again although it had ended. */
  repeats: number;
}

/** Inputs are kept for as long as a job may wait. */
const keepInputsMs = 24 * 3600 * 1000;
const keepProgramsMs = 7 * 24 * 3600 * 1000;
/** Programs are put again after this long, well before they expire. */
const trustProgramsMs = 3600 * 1000;
const checkEveryMs = 500;
/** What a client has received is removed after this long; its worker has finished with it by then. */
const removeAfterMs = 1000;
/** A job that ends without a result is sent again this often. */
const maxRepeats = 5;

/** Carries jobs through a BullMQ queue. Results come back on a channel, and stay in Redis for a while. */
export class QueueTransport implements Transport {
  readonly redis: Redis;
  readonly keys: QueueKeys;
  readonly #queue: Queue<JobData>;
  readonly #subscriber: Subscriber;
  readonly #payloads: Payloads;
  readonly #options: QueueTransportOptions;
  readonly #open = new Map<string, OpenJob>();
  readonly #onSent = new Map<string, () => void>();
  readonly #client = randomUUID();
  readonly #subscribed: Promise<unknown>;
  /** When each program was last put into Redis. */
  readonly #programs = new Map<string, number>();
  #received: { readonly id: string; readonly stored: readonly string[]; readonly atMs: number }[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #listener: (event: TransportEvent) => void = () => undefined;
  #isClosed = false;

  constructor(address: QueueAddress, options: QueueTransportOptions) {
    this.#options = options;
    this.keys = new QueueKeys(address.queue);
    this.redis = connect(address);
    this.#subscriber = new Subscriber(address, (message) => this.#onMessage(message));
    this.#queue = new Queue(address.queue, {
      connection: this.redis,
      prefix: QueueKeys.prefix,
      streams: { events: { maxLen: 100 } },
    });
    this.#queue.on("error", () => undefined);
    this.#payloads = new Payloads(this.redis, options.store, options.storeBytes);
    this.#subscribed = this.#subscriber.add(this.keys.replies(this.#client));
    this.#subscribed.catch(() => undefined);
  }

  receive(listener: (event: TransportEvent) => void): void {
    this.#listener = listener;
  }

  async send(job: OutgoingJob): Promise<void> {
    const { id } = job;
    // The job may be sent again later, when the caller's arrays have changed.
    const open = openJob(id, {
      programs: job.programs,
      bytes: joinParts(job.parts),
      ...(job.priority !== undefined && { priority: job.priority }),
    });
    this.#open.set(id, open);
    this.#check();
    try {
      await this.#subscribe(id);
      await this.#put(open, false);
    } catch (error) {
      // A job that was taken back has no caller to tell.
      if (open.isCancelled) return this.#lose(open, "it was taken back");
      if (this.#isOpen(open)) this.#end(open);
      throw error;
    }
    open.isSent = true;
    open.newsMs = performance.now();
    this.#onSent.get(id)?.();
    if (open.isCancelled) await this.#takeBack(open);
    // The job may have ended before, in which case no message comes.
    else if (isKeyed(id)) this.#inBackground(open, () => this.#ask(open));
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Resolves when the queue has the job that will be sent under `id`. */
  whenSent(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onSent.set(id, () => {
        this.#onSent.delete(id);
        resolve();
      });
    });
  }

  /**
   * Waits for a job that another process sent.
   * @returns What resolves with its end, or `undefined` if Redis does not have the job.
   */
  async attach(id: string): Promise<{ readonly end: Promise<TransportEvent> } | undefined> {
    const known = this.#open.get(id);
    const open = known ?? openJob(id, undefined);
    const end = new Promise<TransportEvent>((resolve) => open.attached.push(resolve));
    if (known) return { end };
    this.#open.set(id, open);
    await this.#subscribe(id);
    const state = await this.#stateOf(id);
    if (state === undefined) {
      this.#end(open);
      return undefined;
    }
    open.isSent = true;
    this.#check();
    if (state !== "waiting") await this.#collect(open, state.place, state.workedMs);
    return { end };
  }

  async cancel(id: string): Promise<void> {
    const open = this.#open.get(id);
    if (!open) return;
    open.isCancelled = true;
    if (open.isSent) await this.#takeBack(open);
  }

  async #takeBack(open: OpenJob): Promise<void> {
    const { id } = open;
    try {
      // BullMQ does not remove a job that a worker has begun.
      if ((await this.#queue.remove(id)) !== 1) await this.redis.publish(this.keys.cancel, id);
      await this.redis.unlink(this.keys.input(id));
      for (const key of this.#storedInput(open)) await this.#payloads.delete("store", key);
    } finally {
      if (this.#isOpen(open)) this.#lose(open, "it was taken back");
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const open of [...this.#open.values()]) this.#lose(open, "the transport was closed");
    this.#removeReceived(Number.POSITIVE_INFINITY);
    await this.#queue.close();
    if (this.redis.status === "ready") await this.redis.quit().catch(() => undefined);
    this.redis.disconnect();
    this.#subscriber.close();
  }

  #isOpen(open: OpenJob): boolean {
    return this.#open.get(open.id) === open;
  }

  #end(open: OpenJob): void {
    this.#open.delete(open.id);
    this.#onSent.delete(open.id);
    if (isKeyed(open.id)) this.#subscriber.delete(this.keys.replies(open.id));
  }

  #tell(open: OpenJob, event: TransportEvent): void {
    if (open.job) this.#listener(event);
    for (const resolve of open.attached) resolve(event);
  }

  #lose(open: OpenJob, reason: string): void {
    this.#end(open);
    this.#tell(open, { kind: "lost", id: open.id, reason });
  }

  /** Every process that knows the key of a job may wait for it, so such a job has a channel of its own. */
  #receiverOf(id: string): string {
    return isKeyed(id) ? id : this.#client;
  }

  async #subscribe(id: string): Promise<void> {
    await this.#subscribed;
    if (isKeyed(id)) await this.#subscriber.add(this.keys.replies(id));
  }

  /** @param isRepeated Whether an earlier try may have left something, and Redis may have lost the programs. */
  async #put(open: OpenJob, isRepeated: boolean): Promise<void> {
    const { id, job } = open;
    if (!job) return;
    const { bytes } = job;
    const { byteLength } = bytes;
    const place = this.#payloads.placeOf("The job", byteLength);
    const data: JobData = {
      replyTo: this.#receiverOf(id),
      byteLength,
      place,
      ...(place === "inline" ? { input: asBuffer(bytes).toString("base64") } : {}),
    };
    const keep = { age: Math.ceil(this.#options.keepMs / 1000) };
    await untilAccepted(
      async () => {
        if (open.isCancelled || !this.#isOpen(open)) return;
        await Promise.all([
          ...[...job.programs].map(([hash, program]) => this.#putProgram(hash, program, isRepeated)),
          place === "inline" ? undefined : this.#payloads.put(place, this.keys.input(id), bytes, keepInputsMs),
        ]);
        await this.#queue.add("run", data, {
          jobId: id,
          removeOnComplete: keep,
          removeOnFail: keep,
          ...(job.priority === undefined ? {} : { priority: job.priority }),
        });
      },
      () => this.#isOpen(open) && !open.isCancelled,
    );
  }

  async #putProgram(hash: string, program: Uint8Array, isForced: boolean): Promise<void> {
    const now = performance.now();
    const putMs = this.#programs.get(hash);
    if (!isForced && putMs !== undefined && now - putMs < trustProgramsMs) return;
    await this.redis.set(this.keys.program(hash), asBuffer(program), "PX", keepProgramsMs);
    this.#programs.set(hash, now);
  }

  #onMessage(message: Buffer): void {
    const decoded = decodeReply(message);
    if (!decoded) return;
    const { reply, bytes } = decoded;
    const open = this.#open.get(reply.id);
    if (!open) return;
    open.newsMs = performance.now();
    if (reply.kind === "progress") {
      if (open.job) this.#listener({ kind: "progress", id: reply.id, value: reply.value });
    } else if (reply.kind === "again") {
      this.#inBackground(open, () => this.#repeat(open));
    } else if (reply.place === "inline") {
      this.#deliver(open, bytes, "redis", reply.workedMs);
    } else {
      this.#inBackground(open, () => this.#collect(open, reply.place, reply.workedMs));
    }
  }

  /** What fails here is tried again when the job has been silent for a while. */
  #inBackground(open: OpenJob, work: () => Promise<unknown>): void {
    work().catch((error) => {
      if (this.#isOpen(open) && error instanceof ComputeError) this.#lose(open, error.message);
    });
  }

  async #collect(open: OpenJob, place: Place, workedMs: number): Promise<void> {
    const bytes = await this.#payloads.get(place, this.keys.result(open.id));
    if (!this.#isOpen(open)) return;
    if (bytes) this.#deliver(open, bytes, place, workedMs);
    else await this.#repeat(open);
  }

  #deliver(open: OpenJob, bytes: Uint8Array, place: Place, workedMs: number): void {
    const { id } = open;
    this.#end(open);
    if (!isKeyed(id)) {
      const stored = [...this.#storedInput(open), ...(place === "store" ? [this.keys.result(id)] : [])];
      this.#received.push({ id, stored, atMs: performance.now() });
    }
    const queuedMs = Math.max(0, performance.now() - open.sentMs - workedMs);
    this.#tell(open, { kind: "result", id, parts: splitParts(bytes), queuedMs });
  }

  /** The key of the job's input in the store, if it is there. */
  #storedInput({ id, job }: OpenJob): string[] {
    const isStored = job && this.#payloads.placeOf("The job", job.bytes.byteLength) === "store";
    return isStored ? [this.keys.input(id)] : [];
  }

  /** The job has ended, and its result is gone or never was: sends everything again. */
  async #repeat(open: OpenJob): Promise<void> {
    open.repeats += 1;
    if (!open.job || open.repeats > maxRepeats) {
      const reason = open.job ? `it ended ${open.repeats} times without a result` : "its result is no longer kept";
      return this.#lose(open, reason);
    }
    await this.#queue.remove(open.id);
    if (this.#isOpen(open)) await this.#put(open, true);
  }

  /** Looks after silent jobs for as long as there are open ones, and removes what was received. */
  #check(): void {
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      this.#removeReceived(now);
      for (const open of this.#open.values()) {
        if (!open.isSent || now - open.newsMs < this.#options.silenceMs) continue;
        open.newsMs = now;
        this.#inBackground(open, () => this.#askAgain(open));
      }
      if (this.#open.size > 0 || this.#received.length > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, checkEveryMs);
  }

  /** Asks Redis what became of a job; resolves with whether it has ended. */
  async #ask(open: OpenJob): Promise<boolean> {
    const state = await this.#stateOf(open.id);
    if (!this.#isOpen(open) || state === "waiting") return false;
    if (state === undefined) await this.#repeat(open);
    else await this.#collect(open, state.place, state.workedMs);
    return state !== undefined;
  }

  async #askAgain(open: OpenJob): Promise<void> {
    // The reply of a job that has ended did not arrive: whatever swallowed it may swallow more.
    if (await this.#ask(open)) this.#subscriber.reconnect();
  }

  /** `undefined` for a job that Redis does not have. */
  async #stateOf(id: string): Promise<undefined | "waiting" | { readonly place: Place; readonly workedMs: number }> {
    const [sent, finished, returned] = await this.redis.hmget(
      this.keys.job(id),
      "timestamp",
      "finishedOn",
      "returnvalue",
    );
    if (!sent) return undefined;
    if (!finished) return "waiting";
    const { place, workedMs } = parseReturned(returned ?? "{}");
    return { place: isPlace(place) ? place : "redis", workedMs: typeof workedMs === "number" ? workedMs : 0 };
  }

  #removeReceived(now: number): void {
    const end = this.#received.findIndex(({ atMs }) => now - atMs < removeAfterMs);
    const received = end < 0 ? this.#received.splice(0) : this.#received.splice(0, end);
    // What stays behind expires.
    for (const { id, stored } of received) {
      this.#queue.remove(id).catch(() => undefined);
      this.redis.unlink(this.keys.result(id), this.keys.input(id)).catch(() => undefined);
      for (const key of stored) this.#payloads.delete("store", key).catch(() => undefined);
    }
  }
}

function openJob(id: string, job: OpenJob["job"]): OpenJob {
  const now = performance.now();
  return { id, job, sentMs: now, attached: [], isSent: false, isCancelled: false, newsMs: now, repeats: 0 };
}

function parseReturned(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
