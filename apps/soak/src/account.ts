/** Counts the calls to the backends and their outcomes. */
import { type ComputeErrorCode, isComputeError } from "@kiln-gpu/core";

/** A call that has not settled after this long hangs. */
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
  /** Rejections with a code that the call allows, by code. */
  readonly rejected: { readonly [code: string]: number };
  /** Other rejections. */
  readonly unexpected: number;
  readonly hung: number;
  readonly unhandled: number;
  /** Errors of devices outside of any run, and leaks. */
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
   * Does `work` and records its outcome; never rejects.
   * @param work Resolves with whether its result is right.
   * @param mayReject Called with the code if `work` rejects: whether it may.
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
      else this.#note("wrong", `${what} gave a wrong result.`);
      this.#latenciesMs.push(this.#nowMs() - pending.sinceMs);
    } catch (error) {
      if (isComputeError(error) && mayReject(error.code)) {
        this.#rejected[error.code] = (this.#rejected[error.code] ?? 0) + 1;
      } else {
        this.#note("unexpected", `${what} was rejected: ${error instanceof Error ? error.stack : error}`);
      }
    } finally {
      this.#pending.delete(pending);
    }
  }

  unhandled(reason: unknown): void {
    this.#note("unhandled", `Unhandled: ${reason instanceof Error ? reason.stack : reason}`);
  }

  complain(text: string): void {
    this.#note("complaints", text);
  }

  /**
   * Finds calls that hang, and counts each once.
   * @returns Whether any call ever hung.
   */
  findHung(): boolean {
    for (const pending of this.#pending) {
      if (pending.isHung || this.#nowMs() - pending.sinceMs < hangMs) continue;
      pending.isHung = true;
      this.#note("hung", `${pending.what} has not settled for ${hangMs / 1000} s.`);
    }
    return this.#counts.hung > 0;
  }

  /** The latencies since the previous call, in ascending order. */
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
