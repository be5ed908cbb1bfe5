import { readdirSync, readFileSync } from "node:fs";
import { defineKernel, output } from "@kiln-gpu/core";
import { software } from "@kiln-gpu/test-support";
import { openProcessBackend, type ProcessBackendOptions } from "./index.js";

/** The processes that this one, or the one of `parent`, has started and that have not ended. */
export function children(parent = process.pid): number[] {
  const threads = readdirSync(`/proc/${parent}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${parent}/task/${thread}/children`, "utf8"));
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number)).filter((pid) => isAlive(pid));
}

/** Whether it has not ended. One that has ended and was not waited for by its parent is a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

export const openSoftware = (options: ProcessBackendOptions = {}) =>
  openProcessBackend({ ...software, store: false, graceMs: 200, ...options });

/** It writes in each iteration, because a compiler may assume that a loop without effects ends. */
export const endless = defineKernel({
  label: "endless",
  wgsl: `@group(0) @binding(0) var<uniform> step: u32;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @compute @workgroup_size(1) fn main() { var i = 1u; while (i != 0u) { i += step; c[0] += 1u; } }`,
});

export const endlessBindings = { step: 2, c: output(Uint32Array, 1) };
