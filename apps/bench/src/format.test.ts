import { expect, test } from "vitest";
import {
  bandwidth,
  bytes,
  formatSize,
  gigaPerSecond,
  ms,
  percent,
  spread,
  spreadUs,
  throughput,
  times,
  us,
} from "./format.js";

test.each([
  [64, "64"],
  [1000, "1000"],
  [1024, "1K"],
  [1025, "1025"],
  [64 * 1024, "64K"],
  [1536 * 1024, "1536K"],
  [4 * 1024 * 1024, "4M"],
])("writes %i elements as %s", (size, text) => {
  expect(formatSize(size)).toBe(text);
});

test.each([
  [ms(0.0625), "0.0625 ms"],
  [ms(12), "12.00 ms"],
  [ms(104.87), "104.9 ms"],
  [us(0.0625), "62.5 us"],
  [spread({ count: 3, meanMs: 1, p10Ms: 0.5, medianMs: 1, p90Ms: 2 }), "0.5000 to 2.00 ms"],
  [spreadUs({ count: 3, meanMs: 1, p10Ms: 0.005, medianMs: 1, p90Ms: 0.02 }), "5.0 to 20.0 us"],
  [times(1.123), "1.12x"],
  [times(455.4), "455x"],
  [throughput(64, 100), "640.00 /s"],
  [throughput(1, 0.0625), "16.00 K/s"],
  [throughput(2 ** 20, 2), "524.29 M/s"],
  [throughput(2 ** 22, 1), "4.19 G/s"],
  [bandwidth(12e9, 1000), "12.000 GB/s"],
  [bandwidth(768, 0.064), "0.012 GB/s"],
  [gigaPerSecond(2e9, 500), "4.00"],
  [gigaPerSecond(2 ** 20, 454), "0.00231"],
  [gigaPerSecond(67e12, 1000), "67000"],
  [percent(0.6342), "63.4%"],
  [bytes(900.4), "900 B"],
  [bytes(1536), "1.5 KiB"],
  [bytes(-3 * 2 ** 20), "-3.0 MiB"],
])("prints %s as %s", (given, expected) => {
  expect(given).toBe(expected);
});
