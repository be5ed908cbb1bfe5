/**
 * One peer's turn at one job, in the peer's own process. Every result is checked, outside of what is timed.
 * @typedef {object} Job
 * @property {"add" | "matmul"} workload
 * @property {number} size
 * @property {number} [inFlight] Asks for the rate of calls while so many are pending, instead of the time of a call by itself.
 */
import { spreadOf } from "./statistics.mjs";
import { createProblem } from "./workloads.mjs";

/** A turn takes this long and at least so many calls, unless they are slow; equal times keep a GPU's clock and heat equal. */
const turnMs = 150;
const leastCalls = 3;
const slowMs = 2000;
/** Of overlapping calls, the results wait for their check: so many at most. */
const mostCalls = 2000;

/** @param {import("./peer.mjs").Peer} peer */
export function createMeasure(peer) {
  /** @type {Job | undefined} */
  let last;
  /** @type {import("./workloads.mjs").Problem[]} */
  let problems = [];
  /**
   * @param {Job} job
   * @returns {Promise<number>} The median of a call's milliseconds, or calls a second.
   */
  return async (job) => {
    const isNew = job.workload !== last?.workload || job.size !== last.size || job.inFlight !== last.inFlight;
    if (isNew) {
      last = job;
      // Two by turns, so that what an earlier call left behind is never right.
      problems = [createProblem(job.workload, job.size), createProblem(job.workload, job.size)];
    }
    // The first turn compiles what will be compiled, which takes thousands of the smallest calls; later ones follow other processes, whose
    // memory is in the caches.
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

/** Times calls one after the other until they have taken `forMs`. */
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
