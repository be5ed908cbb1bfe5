/**
 * The turn of a peer at a job, in the peer's own process. Every result is checked, outside of the timed part.
 * @typedef {object} Job
 * @property {"add" | "matmul"} workload
 * @property {number} size
 * @property {number} [inFlight] Measures the rate of calls with this many pending, instead of the time of a single
 *   call.
 */
import { spreadOf } from "./statistics.mjs";
import { createProblem } from "./workloads.mjs";

/** How long a turn takes, and its fewest calls unless they are slow. Equal times keep a GPU's clock and heat equal. */
const turnMs = 150;
const leastCalls = 3;
const slowMs = 2000;
/** The most results of overlapping calls that wait for their check. */
const mostCalls = 2000;

/** @param {import("./peer.mjs").Peer} peer */
export function createMeasure(peer) {
  /** @type {Job | undefined} */
  let last;
  /** @type {import("./workloads.mjs").Problem[]} */
  let problems = [];
  /**
   * @param {Job} job
   * @returns {Promise<number>} The median time of a call in milliseconds, or calls per second.
   */
  return async (job) => {
    const isNew = job.workload !== last?.workload || job.size !== last.size || job.inFlight !== last.inFlight;
    if (isNew) {
      last = job;
      // Two alternate, so that the left-over result of an earlier call is never right.
      problems = [createProblem(job.workload, job.size), createProblem(job.workload, job.size)];
    }
    // In the first turn V8 optimizes the code, which takes thousands of the smallest calls. Later turns follow other
    // processes, whose memory is in the caches.
    const warmUpMs = isNew ? 1000 : 50;
    if (job.inFlight === undefined) {
      await timesOf(peer, problems, warmUpMs);
      return spreadOf(await timesOf(peer, problems, turnMs)).median;
    }
    const start = performance.now();
    while (performance.now() - start < warmUpMs) await rateOf(peer, problems, job.inFlight);
    return rateOf(peer, problems, job.inFlight);
  };
}

/** Times calls, one after the other, until `forMs` have passed. */
async function timesOf(peer, problems, forMs) {
  const samples = [];
  for (let total = 0; total < slowMs && (total < forMs || samples.length < leastCalls); ) {
    const problem = problems[samples.length % problems.length];
    const start = performance.now();
    const result = await problem.solve(peer);
    const ms = performance.now() - start;
    problem.check(result);
    samples.push(ms);
    total += ms;
  }
  return samples;
}

/** Keeps `inFlight` calls pending for a turn, and checks all results after it. */
async function rateOf(peer, problems, inFlight) {
  const results = [];
  const start = performance.now();
  const lane = async () => {
    do {
      const problem = problems[results.length % problems.length];
      const entry = { problem, result: undefined };
      results.push(entry);
      entry.result = await problem.solve(peer);
    } while (performance.now() - start < turnMs && results.length < mostCalls);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - start) / 1000;
  for (const { problem, result } of results) problem.check(result);
  return results.length / seconds;
}
