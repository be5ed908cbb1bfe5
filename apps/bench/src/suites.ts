import type { Suite } from "./suite.js";
import { chain } from "./suites/chain.js";
import { cold } from "./suites/cold.js";
import { comparison } from "./suites/comparison.js";
import { compute } from "./suites/compute.js";
import { idle } from "./suites/idle.js";
import { memory } from "./suites/memory.js";
import { scale } from "./suites/scale.js";
import { throughput } from "./suites/throughput.js";
import { transfer } from "./suites/transfer.js";

/** Every suite, in the order in which `--suite all` runs them; the first is the default. */
export const suites: readonly [Suite, ...Suite[]] = [
  comparison,
  transfer,
  throughput,
  chain,
  compute,
  idle,
  cold,
  memory,
  scale,
];
