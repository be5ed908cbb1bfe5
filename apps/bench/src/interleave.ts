import { type Timing, timingOf } from "./statistics.js";
import { Stopwatch } from "./stopwatch.js";

/** One of the ways of doing the same work that are compared. */
export interface Contender {
  readonly name: string;
  /**
   * Does the work once, with the stopwatch running during the work alone, and checks what came of it.
   * @throws {Error} naming the first element that is wrong.
   */
  run(stopwatch: Stopwatch): Promise<void>;
}

export interface InterleaveOptions {
  /** Timed calls of each contender. */
  readonly count: number;
  /** How long each contender is warmed up at most. */
  readonly warmUpMs?: number;
  /** Ends the timed calls before `count` once each contender has had this long on average, checks included. */
  readonly budgetMs?: number;
}

/** Runs between one contender and the next, so that a drift of the machine's speed meets all alike. */
const maxBlockLength = 10;
/** Calls before the first that counts, so that the engine has compiled what it will, which takes some 4000 of the smallest runs: 40 for each one timed. */
const warmUpFactor = 40;
/** However slow a call is; one that takes a millisecond is not decided by how well its host code is compiled. */
const defaultWarmUpMs = 2000;
/** A budget is spent in this many blocks at least, where the calls are not too slow even for that. */
const minBlocks = 4;

/**
 * Times the contenders in turn, a block of one and then a block of the next, once all are warm. Each round of blocks has an order of its own: what one
 * leaves behind, in caches and to the collector, is not always the same other's to bear.
 * @returns Their timings, in their order; each has as many samples as the others.
 */
export async function interleave(contenders: readonly Contender[], options: InterleaveOptions): Promise<Timing[]> {
  const { count, warmUpMs = defaultWarmUpMs, budgetMs = Number.POSITIVE_INFINITY } = options;
  let slowestMs = 0;
  for (const contender of contenders) {
    slowestMs = Math.max(slowestMs, await warmUp(contender, count * warmUpFactor, warmUpMs));
  }
  const blockLength = Math.max(Math.min(maxBlockLength, Math.floor(budgetMs / minBlocks / slowestMs)), 1);
  const samples = contenders.map((): number[] => []);
  const stopwatch = new Stopwatch();
  const endMs = performance.now() + budgetMs * contenders.length;
  for (let done = 0; done < count && (done === 0 || performance.now() < endMs); done += blockLength) {
    for (const i of shuffled(contenders.length)) {
      const contender = contenders[i]!;
      // One more before each block: its first call follows another kind's, whose memory is in the caches.
      await timed(contender, stopwatch);
      for (let j = 0; j < Math.min(blockLength, count - done); j += 1) {
        samples[i]!.push(await timed(contender, stopwatch));
      }
    }
  }
  return samples.map(timingOf);
}

/** The numbers below `count` in an order that chance decides. */
function shuffled(count: number): number[] {
  const order: number[] = [];
  for (let i = 0; i < count; i += 1) order.splice(Math.floor(Math.random() * (i + 1)), 0, i);
  return order;
}

/** One call's time, in milliseconds. */
export async function timed(contender: Contender, stopwatch = new Stopwatch()): Promise<number> {
  await contender.run(stopwatch);
  return stopwatch.take();
}

/** @returns The mean time of a call with its check, in milliseconds. */
async function warmUp(contender: Contender, count: number, forMs: number): Promise<number> {
  const stopwatch = new Stopwatch();
  const startMs = performance.now();
  let done = 0;
  while (done < count && (done === 0 || performance.now() - startMs < forMs)) {
    await contender.run(stopwatch);
    done += 1;
  }
  return (performance.now() - startMs) / done;
}
