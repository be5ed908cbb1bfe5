import type { DeviceChange, RunPhase, SubmissionSpan, TimeSpan, TraceEvent, Tracer, WorkSpan } from "@kiln-gpu/core";
import { expect } from "vitest";

/** The phases of every submission, in order. */
export const submissionPhases: readonly RunPhase[] = ["upload", "descriptors", "recording", "compute", "download"];

/** A tracer that keeps each event, in the order in which the backend reports them. */
export class TraceLog implements Tracer {
  isEnabled = true;
  readonly events: TraceEvent[] = [];

  record(event: TraceEvent): void {
    this.events.push(event);
  }

  get runs(): WorkSpan[] {
    return this.events.filter((event): event is WorkSpan => event.kind === "run");
  }

  get tasks(): WorkSpan[] {
    return this.events.filter((event): event is WorkSpan => event.kind === "task");
  }

  get submissions(): SubmissionSpan[] {
    return this.events.filter((event): event is SubmissionSpan => event.kind === "submission");
  }

  get devices(): DeviceChange[] {
    return this.events.filter((event): event is DeviceChange => event.kind === "device");
  }
}

/** Expects that the `inner` spans follow one another and all lie within `outer`. */
export function expectNested(outer: TimeSpan, inner: readonly TimeSpan[]): void {
  expect(outer.startUs).toBeLessThanOrEqual(outer.endUs);
  let last = outer.startUs;
  for (const { startUs, endUs } of inner) {
    expect(startUs).toBeGreaterThanOrEqual(last);
    expect(endUs).toBeGreaterThanOrEqual(startUs);
    last = endUs;
  }
  expect(last).toBeLessThanOrEqual(outer.endUs);
}

export const phasesOf = ({ phases }: WorkSpan | SubmissionSpan) => phases.map(({ phase }) => phase);

export function expectWhole(run: WorkSpan): void {
  expectNested(run, [...run.phases, run.submission!]);
  expectNested(run.submission!, run.submission!.phases);
  expect(phasesOf(run.submission!)).toEqual(submissionPhases);
  expect(run.submission!.work).toContain(run.id);
}
