import { type Timing, timingOf } from "./statistics.js";
import { Stopwatch } from "./stopwatch.js";

/** One of several ways to do the same work, to be compared with the others. */
export interface Contender {
  readonly name: string;
  /**
   * Does the work once and checks its result. The stopwatch runs only during the work.
   * @throws {Error} that names the first wrong element.
   */
  run(stopwatch: Stopwatch): Promise<void>;
}

/** One timed call. */
export interface Sample {
  /** The contender's name. */
  readonly name: string;
  readonly ms: number;
  /** Timed calls of this contender so far, and the most that there will be. */
  readonly done: number;
  readonly total: number;
}

/** Looks on while contenders are timed. */
export interface Onlooker {
  /** Ends the timing before the next call. */
  readonly signal?: AbortSignal | undefined;
  /** Awaited before each block of calls: a page waits here while it is hidden, and its timers are slow. */
  beforeBlock?(): Promise<void> | undefined;
  /** Called after each timed call, while no clock runs. */
  onSample?(sample: Sample): void;
}

export interface InterleaveOptions {
  /** Timed calls of each contender. */
  readonly count: number;
  /** The longest warm-up of each contender. */
  readonly warmUpMs?: number;
  /** Ends the timed calls early, once each contender has had this much time on average, checks included. */
  readonly budgetMs?: number;
  readonly onlooker?: Onlooker;
}

/** Calls before another contender takes its turn. Short turns spread a drift of the machine's speed over all. */
const maxBlockLength = 10;
/**
 * Warm-up calls for each timed one. V8 finishes its optimizations after some 4000 of the smallest runs.
 */
const warmUpFactor = 40;
/** A call that takes a millisecond does not depend on how well V8 has compiled it, so slow calls get no more. */
const defaultWarmUpMs = 2000;
/** The fewest blocks that a budget is split into, unless the calls are too slow for that. */
const minBlocks = 4;

/**
 * Warms up all contenders, then times them in turn, block by block. Each round of blocks has a random order, so that
 * what one leaves in caches and for the garbage collector does not always burden the same other one.
 * @returns Their timings, in the same order; all have the same number of samples.
 * @throws The reason of the onlooker's signal.
 */
export async function interleave(contenders: readonly Contender[], options: InterleaveOptions): Promise<Timing[]> {
  const { count, warmUpMs = defaultWarmUpMs, budgetMs = Number.POSITIVE_INFINITY, onlooker } = options;
  let slowestMs = 0;
  for (const contender of contenders) {
    slowestMs = Math.max(slowestMs, await warmUp(contender, count * warmUpFactor, warmUpMs, onlooker?.signal));
  }
  const blockLength = Math.max(Math.min(maxBlockLength, Math.floor(budgetMs / minBlocks / slowestMs)), 1);
  const samples = contenders.map((): number[] => []);
  const stopwatch = new Stopwatch();
  const endMs = performance.now() + budgetMs * contenders.length;
  for (let done = 0; done < count && (done === 0 || performance.now() < endMs); done += blockLength) {
    for (const i of shuffled(contenders.length)) {
      const contender = contenders[i]!;
      await onlooker?.beforeBlock?.();
      // An untimed call before each block: the caches still hold the memory of another contender.
      await timed(contender, stopwatch);
      for (let j = 0; j < Math.min(blockLength, count - done); j += 1) {
        onlooker?.signal?.throwIfAborted();
        const ms = await timed(contender, stopwatch);
        samples[i]!.push(ms);
        onlooker?.onSample?.({ name: contender.name, ms, done: samples[i]!.length, total: count });
      }
    }
  }
  return samples.map(timingOf);
}

/** The numbers below `count` in a random order. */
function shuffled(count: number): number[] {
  const order: number[] = [];
  for (let i = 0; i < count; i += 1) order.splice(Math.floor(Math.random() * (i + 1)), 0, i);
  return order;
}

/** The time of one call, in milliseconds. */
export async function timed(contender: Contender, stopwatch = new Stopwatch()): Promise<number> {
  await contender.run(stopwatch);
  return stopwatch.take();
}

/** @returns The mean time of a call with its check, in milliseconds. */
async function warmUp(
  contender: Contender,
  count: number,
  forMs: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const stopwatch = new Stopwatch();
  const startMs = performance.now();
  let done = 0;
  while (done < count && (done === 0 || performance.now() - startMs < forMs)) {
    signal?.throwIfAborted();
    await contender.run(stopwatch);
    done += 1;
  }
  return (performance.now() - startMs) / done;
}
