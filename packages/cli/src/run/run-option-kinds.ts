import { gpuOptions } from "../open-gpu.js";

/** The options of `kiln run` besides the names of bindings. */
export const runOptionKinds = {
  ...gpuOptions,
  out: "list",
  size: "value",
  show: "value",
  threads: "value",
  workgroups: "value",
  constant: "list",
  entry: "value",
  bind: "list",
  time: "flag",
  repeat: "value",
  json: "flag",
} as const;
