/** The figures that are sampled every few seconds. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BackendStats } from "@kiln-gpu/core";
import type { Account, Totals } from "./account.js";

export interface Sample {
  readonly seconds: number;
  readonly totals: Totals;
  readonly retried: number;
  readonly losses: number;
  /** V8's heap, after a garbage collection. */
  readonly heapByteLength: number;
  readonly residentByteLength: number;
  readonly externalByteLength: number;
  /** The number of handles that keep Node's event loop going. */
  readonly handles: number;
  readonly buffers: number;
  readonly bufferByteLength: number;
  /** The latency of calls with a result since the previous sample, in milliseconds. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** V8 reads this flag when it creates a context, so the command needs no `--expose-gc`. */
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export function takeSample(
  seconds: number,
  account: Account,
  { buffers, retried, losses }: Pick<BackendStats, "buffers"> & Pick<Sample, "retried" | "losses">,
): Sample {
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const latencies = account.takeLatencies();
  return {
    seconds,
    totals: account.totals(),
    retried,
    losses,
    heapByteLength: heapUsed,
    residentByteLength: rss,
    externalByteLength: external,
    handles: process.getActiveResourcesInfo().length,
    buffers: buffers.live,
    bufferByteLength: buffers.bytes,
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/** @param sorted In ascending order. */
function quantile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(Math.floor(sorted.length * p), sorted.length - 1)] ?? 0;
}

const mebibytes = (byteLength: number) => `${(byteLength / 2 ** 20).toFixed(1)}M`;

export function lineOf({ totals, ...sample }: Sample): string {
  const rejected = Object.entries(totals.rejected).map(([code, count]) => `${code} ${count}`);
  const defects = Object.entries({
    wrong: totals.wrong,
    unexpected: totals.unexpected,
    hung: totals.hung,
    unhandled: totals.unhandled,
    complaints: totals.complaints,
  }).map(([kind, count]) => `${kind} ${count}`);
  const { heapByteLength: heap, residentByteLength: resident, externalByteLength: external } = sample;
  return [
    `${sample.seconds.toFixed(0)} s`,
    `asked ${totals.asked}, right ${totals.right}, ${defects.join(", ")}`,
    `${rejected.join(", ")}; retried ${sample.retried}, losses ${sample.losses}`,
    `heap ${mebibytes(heap)}, rss ${mebibytes(resident)}, external ${mebibytes(external)}`,
    `handles ${sample.handles}, buffers ${sample.buffers} of ${mebibytes(sample.bufferByteLength)}`,
    `p50 ${sample.medianMs.toFixed(2)} ms, p99 ${sample.p99Ms.toFixed(1)} ms`,
  ].join(" | ");
}
