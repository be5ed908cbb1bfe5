import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunPhase } from "../contract/tracer.js";
import { RunClock } from "./run-clock.js";

const phases: readonly RunPhase[] = ["init", "pipeline", "descriptors", "upload", "recording", "compute", "download"];
const nothing = {
  initMs: 0,
  pipelineMs: 0,
  descriptorsMs: 0,
  uploadMs: 0,
  recordingMs: 0,
  computeMs: 0,
  downloadMs: 0,
  totalMs: 0,
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => void vi.advanceTimersByTime(ms);

test("a phase that has no lap is 0", () => {
  expect(new RunClock().profile()).toEqual(nothing);
});

test("adds the laps of one phase up and gives each to no other", () => {
  const clock = new RunClock();
  pass(3);
  clock.lap("upload");
  expect(clock.profile()).toEqual({ ...nothing, uploadMs: 3, totalMs: 3 });
  pass(5);
  clock.lap("compute");
  pass(7);
  clock.lap("upload");
  expect(clock.profile()).toEqual({ ...nothing, uploadMs: 10, computeMs: 5, totalMs: 15 });
});

test("the phases and what lies between them make up the total", () => {
  const clock = new RunClock();
  for (const [i, phase] of phases.entries()) {
    pass(2 ** i);
    clock.lap(phase);
  }
  const each = {
    initMs: 1,
    pipelineMs: 2,
    descriptorsMs: 4,
    uploadMs: 8,
    recordingMs: 16,
    computeMs: 32,
    downloadMs: 64,
  };
  expect(clock.profile()).toEqual({ ...each, totalMs: 127 });
  pass(1000);
  clock.skip();
  clock.lap("init");
  pass(2000);
  expect(clock.profile()).toEqual({ ...each, totalMs: 3127 });
});

test("carries the device's time only where there is one", () => {
  expect(new RunClock().profile([], 1500).gpuTimeNs).toBe(1500);
  expect(new RunClock().profile([], 0).gpuTimeNs).toBe(0);
  expect("gpuTimeNs" in new RunClock().profile()).toBe(false);
});

test("keeps each lap as a stretch of time, after the one before, on the clock of `performance.now()`", () => {
  pass(10);
  const startUs = performance.now() * 1000;
  const clock = new RunClock();
  pass(1);
  clock.lap("upload");
  pass(2);
  clock.skip();
  pass(3);
  clock.lap("compute");
  pass(4);
  clock.lap("upload");
  expect(clock.startUs).toBe(startUs);
  expect(clock.phases).toEqual([
    { phase: "upload", startUs, endUs: startUs + 1000 },
    { phase: "compute", startUs: startUs + 3000, endUs: startUs + 6000 },
    { phase: "upload", startUs: startUs + 6000, endUs: startUs + 10_000 },
  ]);
});

test("adds the phases of a submission to those of its run", () => {
  const run = new RunClock();
  pass(1);
  run.lap("pipeline");
  const submission = new RunClock();
  pass(2);
  submission.lap("compute");
  expect(run.profile(submission.phases)).toEqual({ ...nothing, pipelineMs: 1, computeMs: 2, totalMs: 3 });
});
