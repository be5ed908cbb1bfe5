import { expect, test } from "vitest";
import { RunClock, type RunPhase } from "./run-clock.js";

const phases: readonly RunPhase[] = ["init", "pipeline", "descriptors", "upload", "recording", "compute", "download"];

/** Lets the clock's time pass, however quick the machine is. */
function tick(): void {
  const start = performance.now();
  while (performance.now() === start);
}

test("a phase that has no lap is 0", () => {
  const profile = new RunClock().profile();
  for (const phase of phases) expect(profile[`${phase}Ms`]).toBe(0);
  expect(Object.keys(profile).sort()).toEqual([...phases.map((phase) => `${phase}Ms`), "totalMs"].sort());
});

test("adds the laps of one phase up and gives each to no other", () => {
  const clock = new RunClock();
  tick();
  clock.lap("upload");
  const { uploadMs } = clock.profile();
  expect(uploadMs).toBeGreaterThan(0);
  tick();
  clock.lap("compute");
  tick();
  clock.lap("upload");
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
  const sum = (profile: ReturnType<RunClock["profile"]>) =>
    phases.reduce((all, phase) => all + profile[`${phase}Ms`], 0);
  const before = clock.profile();
  // Sums of doubles may differ in the last digits.
  expect(before.totalMs).toBeGreaterThanOrEqual(sum(before) - 1e-6);
  tick();
  clock.skip();
  clock.lap("init");
  const start = performance.now();
  tick();
  const ticked = performance.now() - start;
  clock.skip();
  const after = clock.profile();
  expect(after.totalMs - sum(after)).toBeGreaterThanOrEqual(ticked - 1e-6);
});

test("carries the device's time only where there is one", () => {
  expect(new RunClock().profile([], 1500).gpuTimeNs).toBe(1500);
  expect(new RunClock().profile([], 0).gpuTimeNs).toBe(0);
  expect("gpuTimeNs" in new RunClock().profile()).toBe(false);
});

test("keeps each lap as a stretch of time, after the one before, on the clock of `performance.now()`", () => {
  const before = performance.now() * 1000;
  const clock = new RunClock();
  clock.lap("upload");
  tick();
  clock.skip();
  clock.lap("compute");
  clock.lap("upload");
  const [first, second, third] = clock.phases;
  expect(clock.phases.map(({ phase }) => phase)).toEqual(["upload", "compute", "upload"]);
  expect(clock.startUs).toBeGreaterThanOrEqual(before);
  expect(first!.startUs).toBe(clock.startUs);
  expect(second!.startUs).toBeGreaterThan(first!.endUs);
  expect(third!.startUs).toBe(second!.endUs);
  expect(performance.now() * 1000).toBeGreaterThanOrEqual(third!.endUs);
});

test("adds the phases of a submission to those of its run", () => {
  const run = new RunClock();
  tick();
  run.lap("pipeline");
  const submission = new RunClock();
  tick();
  submission.lap("compute");
  const { pipelineMs, computeMs, totalMs } = run.profile(submission.phases);
  expect(pipelineMs).toBeGreaterThan(0);
  expect(computeMs).toBeGreaterThan(0);
  expect(totalMs).toBeGreaterThanOrEqual(pipelineMs + computeMs - 1e-6);
});
