import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { Account } from "./account.js";
import { below, sleep } from "./inputs.js";
import { cancelledRun, work } from "./jobs.js";
import { LosableDevices } from "./losable-devices.js";
import type { SoakOptions } from "./options.js";
import { Phase, phaseKinds } from "./phase.js";
import { type Sample, takeSample } from "./sample.js";
import { type Verdict, verdictOf } from "./verdict.js";

export interface Soaked {
  readonly samples: readonly Sample[];
  readonly verdict: Verdict;
  /** Descriptions of the first errors. */
  readonly notes: readonly string[];
  /** Whether a call did not settle or a device was abandoned; either may keep the process from ending. */
  readonly isStuck: boolean;
}

type Rates = Pick<SoakOptions, "minutes" | "lossesPerMinute" | "cancellationsPerSecond" | "everySeconds">;

const clients = 6;
/** Short compared with a quarter of the soak, so that each quarter has phases of every kind. */
const longestPhaseMs = 15_000;
const maxCancelsAtOnce = 32;
/** The share of the requested losses and cancellations that must happen; some come too late to count. */
const expectedPart = 0.9;

/** Puts one backend after another to work. */
export class Soak {
  readonly #rates: Rates;
  readonly #onSample: (sample: Sample) => void;
  readonly #account = new Account();
  readonly #devices: LosableDevices;
  readonly #samples: Sample[] = [];
  readonly #startMs = performance.now();
  #endSeconds: number;
  #phase: Phase | undefined;
  /** In earlier phases. */
  #retried = 0;
  #abandoned = 0;

  /** @param onSample Called with each sample. */
  constructor(device: OpenDeviceOptions, rates: Rates, onSample: (sample: Sample) => void) {
    this.#rates = rates;
    this.#onSample = onSample;
    this.#devices = new LosableDevices(device, this.#account);
    this.#endSeconds = rates.minutes * 60;
  }

  /** Ends it early. */
  stop(): void {
    this.#endSeconds = Math.min(this.#endSeconds, this.#seconds);
  }

  async run(): Promise<Soaked> {
    const onUnhandled = (reason: unknown) => this.#account.unhandled(reason);
    process.on("unhandledRejection", onUnhandled);
    process.on("uncaughtException", onUnhandled);
    let sampler: ReturnType<typeof setInterval> | undefined;
    const hang = new Promise<boolean>((resolve) => {
      sampler = setInterval(() => {
        this.#sample();
        if (this.#account.findHung()) resolve(true);
      }, this.#rates.everySeconds * 1000);
    });
    const losing = this.#lose();
    const isHung = await Promise.race([hang, this.#work().then(() => false)]);
    clearInterval(sampler);
    this.stop();
    await losing;
    // Node reports unhandled rejections after a turn of the event loop.
    await sleep(0);
    process.off("unhandledRejection", onUnhandled);
    process.off("uncaughtException", onUnhandled);
    const isStuck = isHung || this.#abandoned > 0;
    return { samples: this.#samples, verdict: this.#judge(), notes: this.#account.notes, isStuck };
  }

  get #seconds(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  get #isOver(): boolean {
    return this.#seconds >= this.#endSeconds;
  }

  async #work(): Promise<void> {
    const phaseMs = Math.min(longestPhaseMs, (this.#endSeconds * 1000) / (4 * phaseKinds.length));
    for (let next = 0; !this.#isOver; next += 1) {
      const kind = phaseKinds[next % phaseKinds.length]!;
      const phase = await Phase.open(kind, this.#devices, this.#account, clients);
      this.#phase = phase;
      const working = Promise.all([this.#cancel(phase), ...Array.from({ length: clients }, () => work(phase))]);
      await this.#wait(phaseMs);
      await phase.end(working, below(2) === 0);
      const { runs, devices } = phase.backend.stats();
      this.#retried += runs.retried;
      this.#abandoned += devices.abandoned;
      this.#phase = undefined;
    }
  }

  /** Aborts as many runs as the rate requires; runs that ended before their abort are replaced by others. */
  async #cancel(phase: Phase): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!phase.isEnding) {
      const wanted = this.#seconds * this.#rates.cancellationsPerSecond - this.#account.cancelled;
      while (running.size < Math.min(wanted, maxCancelsAtOnce)) {
        const run: Promise<void> = cancelledRun(phase).finally(() => running.delete(run));
        running.add(run);
      }
      await sleep(10);
    }
    await Promise.all(running);
  }

  /** Loses devices: one at a random moment of each interval. */
  async #lose(): Promise<void> {
    const intervalMs = 60_000 / this.#rates.lossesPerMinute;
    for (let next = 0; !this.#isOver; next += 1) {
      await this.#wait((next + Math.random()) * intervalMs - this.#seconds * 1000);
      while (!this.#isOver && (!this.#phase || this.#phase.isEnding || !(await this.#devices.lose()))) await sleep(5);
    }
  }

  /** Waits, but not beyond the end of the soak. */
  async #wait(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    for (let left = ms; left > 0 && !this.#isOver; left = endMs - performance.now()) await sleep(Math.min(left, 100));
  }

  #sample(): void {
    if (!this.#phase) return;
    const { buffers, runs } = this.#phase.backend.stats();
    const sample = takeSample(this.#seconds, this.#account, {
      buffers,
      retried: this.#retried + runs.retried,
      losses: this.#devices.losses,
    });
    this.#samples.push(sample);
    this.#onSample(sample);
  }

  #judge(): Verdict {
    const { lossesPerMinute, cancellationsPerSecond } = this.#rates;
    const expected = (perSecond: number) => Math.floor(this.#endSeconds * perSecond * expectedPart);
    return verdictOf(this.#samples, this.#account.totals(), [
      { of: "losses", given: this.#devices.losses, expected: expected(lossesPerMinute / 60) },
      { of: "cancellations", given: this.#account.cancelled, expected: expected(cancellationsPerSecond) },
    ]);
  }
}
