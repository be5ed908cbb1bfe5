/** Formats numbers with their units, for the reports. */
import type { Timing } from "./statistics.js";

/** `65536` as `64K`. */
export function formatSize(size: number): string {
  if (size % 2 ** 20 === 0) return `${size / 2 ** 20}M`;
  return size % 2 ** 10 === 0 ? `${size / 2 ** 10}K` : String(size);
}

export function ms(value: number): string {
  return `${value >= 100 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(4)} ms`;
}

/** Milliseconds as microseconds. */
export function us(valueMs: number): string {
  return `${(valueMs * 1e3).toFixed(1)} us`;
}

/** Milliseconds as nanoseconds. */
export function ns(valueMs: number): string {
  return `${(valueMs * 1e6).toFixed(0)} ns`;
}

export function spread({ p10Ms, p90Ms }: Timing): string {
  return `${ms(p10Ms).replace(" ms", "")} to ${ms(p90Ms)}`;
}

export function spreadUs({ p10Ms, p90Ms }: Timing): string {
  return `${us(p10Ms).replace(" us", "")} to ${us(p90Ms)}`;
}

export function spreadNs({ p10Ms, p90Ms }: Timing): string {
  return `${ns(p10Ms).replace(" ns", "")} to ${ns(p90Ms)}`;
}

export function times(factor: number): string {
  return `${factor >= 100 ? factor.toFixed(0) : factor.toFixed(2)}x`;
}

/** `count` in `valueMs`, as a rate. */
export function throughput(count: number, valueMs: number): string {
  const perSecond = count / (valueMs / 1e3);
  if (perSecond >= 1e9) return `${(perSecond / 1e9).toFixed(2)} G/s`;
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  return perSecond >= 1e3 ? `${(perSecond / 1e3).toFixed(2)} K/s` : `${perSecond.toFixed(2)} /s`;
}

/** Bytes moved in `valueMs`; a GB is 10^9 bytes. */
export function bandwidth(byteLength: number, valueMs: number): string {
  return `${(byteLength / (valueMs / 1e3) / 1e9).toFixed(3)} GB/s`;
}

/** `work` in `valueMs`, in units of 10^9 per second. */
export function gigaPerSecond(work: number, valueMs: number): string {
  const rate = work / (valueMs / 1e3) / 1e9;
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3);
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}

export function bytes(byteLength: number): string {
  if (Math.abs(byteLength) >= 2 ** 20) return `${(byteLength / 2 ** 20).toFixed(1)} MiB`;
  return Math.abs(byteLength) >= 2 ** 10 ? `${(byteLength / 2 ** 10).toFixed(1)} KiB` : `${Math.round(byteLength)} B`;
}
