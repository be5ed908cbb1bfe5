/** A phase of the soak: clients work on one backend, from its opening to its disposal. */
import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { ComputeErrorCode, RunOptions } from "@kiln-gpu/core";
import type { Account } from "./account.js";
import { largest } from "./inputs.js";
import type { LosableDevices } from "./losable-devices.js";

export interface PhaseKind {
  readonly name: string;
  readonly byteBudget: number;
  readonly lossRetries: number;
  readonly mode?: "throughput" | "latency";
  /** Has the backend fill all memory with a pattern before each use. */
  readonly poisonMemory?: boolean;
  readonly maxIdleMs?: number;
  readonly maxSubmissions?: number;
}

const mebibyte = 2 ** 20;

/** A driver that resets its GPU may be silent for longer; no kernel of the soak takes nearly as long. */
const deadlineMs = 10_000;

export const phaseKinds: readonly PhaseKind[] = [
  { name: "roomy", byteBudget: 1024 * mebibyte, lossRetries: 1 },
  { name: "tight", byteBudget: 16 * mebibyte, lossRetries: 1, maxIdleMs: 200, maxSubmissions: 2 },
  { name: "latency", byteBudget: 1024 * mebibyte, lossRetries: 2, mode: "latency", maxIdleMs: 1000 },
  { name: "poisoned", byteBudget: 64 * mebibyte, lossRetries: 0, poisonMemory: true },
];

/** How a call may fail. */
export interface Endings extends Pick<RunOptions, "signal" | "timeoutMs"> {
  /** How many losses it survives; 0 by default. */
  readonly retries?: number;
  readonly refusal?: ComputeErrorCode;
}

export class Phase {
  readonly kind: PhaseKind;
  readonly backend: PersistentComputeBackend;
  /** The most elements of one run, so that the memory that it needs fits the budget. */
  readonly maxLength: number;
  /** The most elements that a client holds during other calls: together all clients must leave room. */
  readonly maxHeldLength: number;
  readonly #account: Account;
  #losses = 0;
  #isEnding = false;

  static async open(kind: PhaseKind, devices: LosableDevices, account: Account, clients: number): Promise<Phase> {
    const { name: _, ...options } = kind;
    const backend = await openPersistentBackend({
      ...options,
      device: devices.open,
      store: false,
      deadlineMs,
      maxAbandoned: Number.MAX_SAFE_INTEGER,
      leakDetection: ({ what, stack }) => account.complain(`${what} was dropped without being given back: ${stack}`),
    });
    return new Phase(kind, backend, account, clients);
  }

  private constructor(kind: PhaseKind, backend: PersistentComputeBackend, account: Account, clients: number) {
    this.kind = kind;
    this.backend = backend;
    this.#account = account;
    // Two inputs and a result of 4 bytes per element, each on the device and in staging, rounded up to size classes.
    this.maxLength = Math.min(largest, Math.floor(kind.byteBudget / 40));
    this.maxHeldLength = Math.min(largest, Math.floor(kind.byteBudget / (80 * clients)));
    backend.on("lost", () => {
      this.#losses += 1;
    });
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get retries(): number {
    return this.kind.lossRetries;
  }

  /** Does `work`, which resolves with whether its result is right. */
  async take(what: string, endings: Endings, work: () => Promise<boolean>): Promise<void> {
    const losses = this.#losses;
    const { retries = 0, signal, timeoutMs, refusal } = endings;
    await this.#account.take(`${what} (${this.kind.name})`, work, (code) => {
      if (code === "aborted") return signal?.aborted === true;
      if (code === "timeout") return timeoutMs !== undefined || this.#losses > losses;
      if (code === "disposed") return this.#isEnding;
      // A backend that is being disposed reports no loss.
      if (code === "device-lost") return this.#isEnding || this.#losses - losses > retries;
      return code === refusal;
    });
  }

  /** @param working The clients, which stop once the phase ends. */
  async end(working: Promise<unknown>, isAbrupt: boolean): Promise<void> {
    this.#isEnding = true;
    if (!isAbrupt) await working;
    const dispose = () => this.backend.dispose().then(() => true);
    await this.#account.take(`A disposal (${this.kind.name})`, dispose, () => false);
    await working;
    const { runs, devices, pipelines, bindGroups, buffers } = this.backend.stats();
    const left = [runs.pending, devices.live, pipelines.live, bindGroups.live, buffers.live, buffers.bytes];
    if (left.some((count) => count !== 0)) this.#account.complain(`The disposed backend keeps ${left.join(", ")}.`);
    if (buffers.highWaterBytes > this.kind.byteBudget) {
      this.#account.complain(`The budget was ${this.kind.byteBudget} bytes; ${buffers.highWaterBytes} were in use.`);
    }
  }
}
