import { expect, test } from "vitest";
import { RunClock, type RunPhase } from "./run-clock.js";

const phases: readonly RunPhase[] = [
  "initMs",
  "pipelineMs",
  "descriptorsMs",
  "uploadMs",
  "recordingMs",
  "computeMs",
  "downloadMs",
];

/** Lets the clock's time pass, however quick the machine is. */
function tick(): void {
  const start = performance.now();
  while (performance.now() === start);
}

test("a phase that has no lap is 0", () => {
  const profile = new RunClock().profile();
  for (const phase of phases) expect(profile[phase]).toBe(0);
  expect(Object.keys(profile).sort()).toEqual([...phases, "totalMs"].sort());
});

test("adds the laps of one phase up and gives each to no other", () => {
  const clock = new RunClock();
  tick();
  clock.lap("uploadMs");
  const { uploadMs } = clock.profile();
  expect(uploadMs).toBeGreaterThan(0);
  tick();
  clock.lap("computeMs");
  tick();
  clock.lap("uploadMs");
  const profile = clock.profile();
  expect(profile.uploadMs).toBeGreaterThan(uploadMs);
  expect(profile.computeMs).toBeGreaterThan(0);
  expect(profile.downloadMs).toBe(0);
});

test("the phases and what lies between them make up the total", () => {
  const clock = new RunClock();
  for (const phase of phases) {
    tick();
    clock.lap(phase);
  }
  const sum = (profile: ReturnType<RunClock["profile"]>) => phases.reduce((all, phase) => all + profile[phase], 0);
  const before = clock.profile();
  expect(before.totalMs).toBeGreaterThanOrEqual(sum(before));
  tick();
  clock.skip();
  clock.lap("initMs");
  const start = performance.now();
  tick();
  const ticked = performance.now() - start;
  clock.skip();
  const after = clock.profile();
  expect(after.totalMs - sum(after)).toBeGreaterThanOrEqual(ticked);
});

test("carries the device's time only where there is one", () => {
  expect(new RunClock().profile(1500).gpuTimeNs).toBe(1500);
  expect(new RunClock().profile(0).gpuTimeNs).toBe(0);
  expect("gpuTimeNs" in new RunClock().profile()).toBe(false);
});
