/** What was asked of the backends, and what became of it. */
import { type ComputeErrorCode, isComputeError } from "@kiln-gpu/core";

/** For how long a call may be unsettled. */
const hangMs = 30_000;
const maxNotes = 20;

interface Pending {
  readonly what: string;
  readonly sinceMs: number;
  isHung: boolean;
}

export interface Totals {
  readonly asked: number;
  readonly right: number;
  readonly wrong: number;
  /** Rejected with a code that the call may be rejected with, by code. */
  readonly rejected: { readonly [code: string]: number };
  /** Rejected otherwise. */
  readonly unexpected: number;
  readonly hung: number;
  readonly unhandled: number;
  /** What devices said outside of every run, and what was dropped without being given back. */
  readonly complaints: number;
}

type Defect = "wrong" | "unexpected" | "hung" | "unhandled" | "complaints";

export class Account {
  readonly #nowMs: () => number;
  readonly #counts = { asked: 0, right: 0, wrong: 0, unexpected: 0, hung: 0, unhandled: 0, complaints: 0 };
  readonly #rejected: { [code: string]: number } = {};
  readonly #pending = new Set<Pending>();
  readonly notes: string[] = [];
  #latenciesMs: number[] = [];

  get cancelled(): number {
    return this.#rejected.aborted ?? 0;
  }

  totals(): Totals {
    return { ...this.#counts, rejected: { ...this.#rejected } };
  }

  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Does `work` and takes down what becomes of it; never rejects.
   * @param work Resolves with whether its result is right.
   * @param mayReject Asked once it has rejected.
   */
  async take(
    what: string,
    work: () => Promise<boolean>,
    mayReject: (code: ComputeErrorCode) => boolean,
  ): Promise<void> {
    const pending = { what, sinceMs: this.#nowMs(), isHung: false };
    this.#pending.add(pending);
    this.#counts.asked += 1;
    try {
      if (await work()) this.#counts.right += 1;
      else this.#note("wrong", `${what} gives a wrong result.`);
      this.#latenciesMs.push(this.#nowMs() - pending.sinceMs);
    } catch (error) {
      if (isComputeError(error) && mayReject(error.code)) {
        this.#rejected[error.code] = (this.#rejected[error.code] ?? 0) + 1;
      } else {
        this.#note("unexpected", `${what} is rejected: ${error instanceof Error ? error.stack : error}`);
      }
    } finally {
      this.#pending.delete(pending);
    }
  }

  unhandled(reason: unknown): void {
    this.#note("unhandled", `Nobody handles: ${reason instanceof Error ? reason.stack : reason}`);
  }

  complain(text: string): void {
    this.#note("complaints", text);
  }

  /**
   * Finds what has not settled for long; each is counted once.
   * @returns Whether there is any.
   */
  findHung(): boolean {
    for (const pending of this.#pending) {
      if (pending.isHung || this.#nowMs() - pending.sinceMs < hangMs) continue;
      pending.isHung = true;
      this.#note("hung", `${pending.what} has not settled for ${hangMs / 1000} s.`);
    }
    return this.#counts.hung > 0;
  }

  /** Those since the last call, in ascending order. */
  takeLatencies(): number[] {
    const latencies = this.#latenciesMs.sort((a, b) => a - b);
    this.#latenciesMs = [];
    return latencies;
  }

  #note(kind: Defect, text: string): void {
    this.#counts[kind] += 1;
    if (this.notes.length < maxNotes) this.notes.push(text);
  }
}
