import { randomUUID } from "node:crypto";
import { ComputeError, isComputeError } from "@kiln-gpu/core";
import { encodeFailure, type JobServer, joinParts, splitParts } from "@kiln-gpu/frames";
import { type Job, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { ByteBudget } from "./byte-budget.js";
import type { JobData } from "./job-data.js";
import type { PayloadStore } from "./payload-store.js";
import { Payloads } from "./payloads.js";
import { connect, isKeyed, type QueueAddress, QueueKeys } from "./queue-address.js";
import { encodeReply, isPlace, type Place, type Reply } from "./reply.js";
import { untilAccepted } from "./retry.js";
import { RunGate } from "./run-gate.js";
import { Subscriber } from "./subscriber.js";

/** What runs the jobs. */
export type Server = Pick<JobServer, "run">;

export interface JobWorkerOptions {
  readonly store: PayloadStore | undefined;
  readonly storeBytes: number;
  readonly concurrency: number;
  /** Jobs with more bytes are refused. */
  readonly maxJobBytes: number;
  readonly maxBytesInFlight: number;
  /** A worker that has not been heard of for so long has lost its jobs. */
  readonly lockMs: number;
  /** How often a job may begin alone without ending before it is refused. */
  readonly maxKills: number;
  readonly keepMs: number;
  readonly onEnd: (outcome: JobOutcome, workedMs: number) => void;
}

export type JobOutcome = "completed" | "cancelled" | "again" | "poison" | "refused";

/** What the queue keeps of a job that has ended. */
interface Returned {
  readonly place: Place;
  readonly workedMs: number;
}

/** Something that the job needs is not in Redis any more; its client has it. */
class MissingPart extends Error {}

const countKillsMs = 24 * 3600 * 1000;
/** Jobs that were cancelled before this worker began them, or that it never sees. */
const maxCancelled = 10_000;

/** Takes jobs from the queue, several together, and sends back what comes of them. */
export class JobWorker {
  readonly redis: Redis;
  readonly keys: QueueKeys;
  readonly budget: ByteBudget;
  readonly #worker: Worker<JobData, Returned>;
  readonly #subscriber: Subscriber;
  readonly #payloads: Payloads;
  readonly #server: Server;
  readonly #options: JobWorkerOptions;
  readonly #gate = new RunGate();
  readonly #running = new Map<string, AbortController>();
  readonly #cancelled = new Set<string>();
  #turn: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(address: QueueAddress, server: Server, options: JobWorkerOptions) {
    this.#server = server;
    this.#options = options;
    this.keys = new QueueKeys(address.queue);
    this.redis = connect(address);
    this.#subscriber = new Subscriber(address, (id) => this.#cancel(String(id)));
    this.budget = new ByteBudget(options.maxBytesInFlight);
    this.#payloads = new Payloads(this.redis, options.store, options.storeBytes);
    this.#subscriber.add(this.keys.cancel).catch(() => undefined);
    this.#worker = new Worker<JobData, Returned>(address.queue, (job) => this.#process(job), {
      connection: this.redis,
      prefix: QueueKeys.prefix,
      name: randomUUID(),
      concurrency: options.concurrency,
      lockDuration: options.lockMs,
      stalledInterval: Math.ceil(options.lockMs / 2),
      // BullMQ counts against every job that the dead worker had; `#hasKilled` counts against the one that killed it.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 500,
      autorun: false,
    });
    this.#worker.on("error", () => undefined);
    this.#worker.on("failed", (job, error) => {
      if (job && error instanceof MissingPart) this.#reply(job, { kind: "again", id: job.id! });
    });
  }

  get active(): number {
    return this.#running.size;
  }

  get isReady(): boolean {
    return this.redis.status === "ready" && !this.#closing;
  }

  /** Begins to take jobs. */
  start(): void {
    this.#worker.run().catch(() => undefined);
  }

  /** How many jobs wait in the queue, for any worker. */
  async countWaiting(): Promise<number> {
    const [waiting, prioritized] = await Promise.all([
      this.redis.llen(this.keys.job("wait")),
      this.redis.zcard(this.keys.job("prioritized")),
    ]);
    return waiting + prioritized;
  }

  /** Takes no more jobs, finishes those that it has, and disconnects. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    await this.#worker.close();
    this.redis.disconnect();
    this.#subscriber.close();
  }

  async #process(job: Job<JobData, Returned>): Promise<Returned> {
    const id = job.id!;
    const startedMs = performance.now();
    const abort = new AbortController();
    this.#running.set(id, abort);
    if (this.#cancelled.delete(id)) abort.abort();
    // A job that was active when its worker died may have killed it. It runs alone, so that another kill proves it.
    const isSuspect = job.stalledCounter > 0;
    const leave = await this.#gate.enter(isSuspect);
    let outcome: JobOutcome = "completed";
    try {
      if (isSuspect && (await this.#hasKilled(id))) {
        outcome = "poison";
        const error = poison(id, this.#options.maxKills);
        await this.#finish(job, encodeFailure(error), startedMs);
        throw new UnrecoverableError(error.message);
      }
      const returned = await this.#run(job, abort.signal, startedMs);
      if (abort.signal.aborted) outcome = "cancelled";
      if (isSuspect) await this.redis.unlink(this.keys.begun(id));
      return returned;
    } catch (error) {
      if (error instanceof MissingPart) outcome = "again";
      if (!isComputeError(error)) throw error;
      outcome = "refused";
      return await this.#finish(job, encodeFailure(error), startedMs);
    } finally {
      leave();
      this.#running.delete(id);
      this.#options.onEnd(outcome, performance.now() - startedMs);
    }
  }

  async #run(job: Job<JobData, Returned>, signal: AbortSignal, startedMs: number): Promise<Returned> {
    const { byteLength } = job.data;
    this.#checkData(job);
    await this.budget.take(byteLength);
    try {
      const bytes = await this.#input(job);
      if (isKeyed(job.id!)) this.#reply(job, { kind: "progress", id: job.id!, value: 0 });
      await this.#nextTurn();
      let missing: MissingPart | undefined;
      const findProgram = (hash: string) =>
        this.#program(hash).catch((error) => {
          if (error instanceof MissingPart) missing = error;
          throw error;
        });
      const parts = await this.#server.run({ parts: splitParts(bytes), findProgram, signal });
      if (missing) throw missing;
      return await this.#finish(job, parts, startedMs);
    } finally {
      this.budget.give(byteLength);
    }
  }

  #checkData({ data }: Job<JobData, Returned>): void {
    const { byteLength, place, replyTo, input } = data;
    const { maxJobBytes } = this.#options;
    const isInline = place === "inline";
    if (
      !Number.isSafeInteger(byteLength) ||
      byteLength < 0 ||
      !isPlace(place) ||
      typeof replyTo !== "string" ||
      (isInline && typeof input !== "string")
    ) {
      throw new ComputeError("invalid-option", "The job in the queue is not one of Kiln, or of another version.");
    }
    if (byteLength > maxJobBytes) {
      throw new ComputeError(
        "limit-exceeded",
        `The job has ${byteLength} bytes; this worker takes at most ${maxJobBytes} ("maxJobBytes").`,
      );
    }
  }

  async #input({ id, data }: Job<JobData, Returned>): Promise<Uint8Array> {
    const { place, input, byteLength } = data;
    const bytes =
      place === "inline"
        ? new Uint8Array(Buffer.from(input!, "base64"))
        : await this.#payloads.get(place, this.keys.input(id!));
    if (bytes?.byteLength !== byteLength) throw new MissingPart(`The input of job ${id} is not there.`);
    return bytes;
  }

  async #program(hash: string): Promise<Uint8Array> {
    const bytes = await this.redis.getBuffer(this.keys.program(hash));
    if (bytes === null) throw new MissingPart(`Program ${hash} is not there.`);
    return new Uint8Array(bytes);
  }

  /** Jobs that were picked together resolve together, so that their runs share a submission. */
  #nextTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      }),
    );
    return this.#turn;
  }

  /** Counts that the job begins alone, and tells whether it has begun too often. */
  async #hasKilled(id: string): Promise<boolean> {
    const key = this.keys.begun(id);
    const [begun] = await Promise.all([this.redis.incr(key), this.redis.pexpire(key, countKillsMs)]);
    return begun > this.#options.maxKills;
  }

  /** Keeps the result, and sends it. */
  async #finish(job: Job<JobData, Returned>, parts: readonly Uint8Array[], startedMs: number): Promise<Returned> {
    const id = job.id!;
    const bytes = joinParts(parts);
    const place = this.#payloads.placeOf("The result", bytes.byteLength);
    const kept: Place = place === "inline" ? "redis" : place;
    const workedMs = performance.now() - startedMs;
    const keep = () => this.#payloads.put(kept, this.keys.result(id), bytes, this.#options.keepMs);
    const isWanted = () => !this.#worker.closing;
    if (place === "inline") {
      // The client need not wait until Redis has it: should this message be lost, the kept result replaces it.
      const keeping = untilAccepted(keep, isWanted);
      this.#reply(job, { kind: "result", id, place, workedMs }, bytes);
      await keeping;
    } else {
      await untilAccepted(keep, isWanted);
      this.#reply(job, { kind: "result", id, place, workedMs });
    }
    return { place: kept, workedMs };
  }

  #reply({ data }: Job<JobData, Returned>, reply: Reply, bytes?: Uint8Array): void {
    this.redis.publish(this.keys.replies(data.replyTo), encodeReply(reply, bytes)).catch(() => undefined);
  }

  #cancel(id: string): void {
    const abort = this.#running.get(id);
    if (abort) return abort.abort();
    this.#cancelled.add(id);
    if (this.#cancelled.size > maxCancelled) this.#cancelled.delete(this.#cancelled.values().next().value!);
  }
}

function poison(id: string, kills: number): ComputeError {
  return new ComputeError(
    "device-failed",
    `Job ${id} is poison: its worker died each of the ${kills} times that it ran alone. It is not tried again.`,
  );
}
