/** What backends report to a tracer about real work. */
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, output, type RunPhase } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { chromeTrace } from "@kiln-gpu/observability";
import {
  expectError,
  expectNested,
  expectSame,
  expectWhole,
  phasesOf,
  RandomData,
  software,
  TraceLog,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";

const data = new RandomData(47);
const [a, b] = [data.floats(1000), data.floats(1000)];
const bindings = { a, b, c: output(Float32Array, 1000) };

async function expectRun(backend: ComputeBackend): Promise<void> {
  expectSame((await backend.run(fieldAdd, bindings)).c, fieldAddReference(a, b));
}

const backends = [
  { name: "one-shot", open: openOneShotBackend, phases: ["pipeline", "init", "pipeline"] },
  { name: "persistent", open: openPersistentBackend, phases: ["pipeline"] },
] as const;

describe.each(backends)("the trace of the $name backend", ({ name, open, phases }) => {
  /** The trace of `work`. */
  async function traceOf(work: (backend: ComputeBackend) => Promise<unknown>): Promise<TraceLog> {
    const trace = new TraceLog();
    const backend = await open({ ...software, tracer: trace });
    try {
      await work(backend);
      const { runs, submissions } = backend.stats();
      expect(trace.runs).toHaveLength(runs.completed + runs.failed);
      expect(trace.submissions.length).toBeGreaterThanOrEqual(submissions);
    } finally {
      await backend.dispose();
    }
    for (const { backend: told } of trace.events) expect(told).toBe(name);
    return trace;
  }

  it("has each run with its phases in order, and its submission within it", async () => {
    const before = performance.now() * 1000;
    const { runs, submissions } = await traceOf(async (backend) => {
      for (let i = 0; i < 3; i += 1) await expectRun(backend);
    });
    const after = performance.now() * 1000;
    expect(runs.map(({ label }) => label)).toEqual(Array(3).fill(fieldAdd.label));
    for (const run of runs) {
      expectWhole(run);
      expect(phasesOf(run)).toEqual(phases);
      expect(run.startUs).toBeGreaterThan(before);
      expect(run.endUs).toBeLessThan(after);
      expect("error" in run).toBe(false);
    }
    expectNested({ startUs: before, endUs: after }, runs);
    expect(submissions).toEqual(runs.map(({ submission }) => submission));
  });

  it("agrees with the profile of a profiled run", async () => {
    const profiles: { gpuTimeNs?: number; totalMs: number; computeMs: number; pipelineMs: number }[] = [];
    const { runs } = await traceOf(async (backend) => {
      profiles.push((await backend.run(fieldAdd, bindings, { profile: true })).profile);
    });
    const [profile] = profiles;
    const [run] = runs;
    expectWhole(run!);
    const msOf = (wanted: RunPhase) =>
      [...run!.phases, ...run!.submission!.phases]
        .filter(({ phase }) => phase === wanted)
        .reduce((ms, { startUs, endUs }) => ms + (endUs - startUs) / 1000, 0);
    expect(profile!.computeMs).toBeCloseTo(msOf("compute"), 6);
    expect(profile!.pipelineMs).toBeCloseTo(msOf("pipeline"), 6);
    expect(profile!.totalMs).toBeLessThanOrEqual((run!.endUs - run!.startUs) / 1000);
    expect(run!.submission!.gpuTimeNs).toBe(profile!.gpuTimeNs);
  });

  it("marks runs that fail with the code of their error", async () => {
    const { runs } = await traceOf(async (backend) => {
      await expectError(
        backend.run(fieldAdd, { a, b: a.subarray(1), c: new Uint8Array(1) } as never),
        "invalid-binding",
      );
      const controller = new AbortController();
      const aborted = backend.run(fieldAdd, bindings, { signal: controller.signal });
      controller.abort();
      await expectError(aborted, "aborted");
      await expectRun(backend);
    });
    expect(runs.map(({ error }) => error?.code)).toEqual(["invalid-binding", "aborted", undefined]);
    expect(runs[0]!.error!.message).toMatch(/binding|"/);
    expect(runs[0]!.submission).toBeUndefined();
  });

  it("has a task for prepare, and an empty run without a submission", async () => {
    const { tasks, runs, submissions } = await traceOf(async (backend) => {
      await backend.prepare(fieldAddSpirv);
      await backend.run(fieldAdd, { a, b, c: output(Float32Array, 0) });
    });
    expect(tasks.map(({ label }) => label)).toContain(`The preparation of kernel "${fieldAddSpirv.label}"`);
    expect(runs).toHaveLength(1);
    expect(runs[0]!.submission).toBeUndefined();
    expect(submissions).toEqual([]);
  });

  it("is a Chrome trace whose tracks nest", async () => {
    const trace = chromeTrace();
    const backend = await open({ ...software, tracer: trace });
    try {
      await backend.prepare(fieldAdd);
      await Promise.all(Array.from({ length: 5 }, () => expectRun(backend)));
      await expectError(backend.run(fieldAdd, {} as never), "invalid-binding");
    } finally {
      await backend.dispose();
    }
    const { traceEvents } = JSON.parse(JSON.stringify(trace)) as ReturnType<typeof trace.toJSON>;
    for (const event of traceEvents) {
      expect(event).toMatchObject({
        name: expect.any(String),
        cat: expect.any(String),
        ph: expect.stringMatching(/^[XMi]$/),
        ts: expect.any(Number),
        pid: expect.any(Number),
        tid: expect.any(Number),
      });
      if (event.ph === "X") expect(event.dur).toBeGreaterThanOrEqual(0);
    }
    const spans = traceEvents.filter(({ ph }) => ph === "X");
    const named = new Set(traceEvents.filter(({ name: of }) => of === "thread_name").map(({ tid }) => tid));
    expect(new Set(spans.map(({ tid }) => tid))).toEqual(named);
    // Viewers stack the spans of a track, so of two spans one follows the other or lies within it. Times are sums of
    // doubles.
    const slackUs = 1e-3;
    for (const [i, span] of spans.entries()) {
      for (const other of spans.slice(i + 1)) {
        if (other.tid !== span.tid) continue;
        const [first, second] = [span, other].sort((x, y) => x.ts - y.ts || y.dur! - x.dur!) as [
          typeof span,
          typeof span,
        ];
        const [firstEnd, secondEnd] = [first.ts + first.dur!, second.ts + second.dur!];
        expect(second.ts >= firstEnd - slackUs || secondEnd <= firstEnd + slackUs).toBe(true);
      }
    }
    const runs = spans.filter(({ cat }) => cat === "run");
    expect(runs).toHaveLength(6);
    expect(runs.filter(({ args }) => args.error === "invalid-binding")).toHaveLength(1);
  });

  it("is empty while the tracer is disabled, and continues once it is enabled", async () => {
    const trace = new TraceLog();
    trace.isEnabled = false;
    const backend = await open({ ...software, tracer: trace });
    try {
      await expectRun(backend);
      expect(trace.events).toEqual([]);
      trace.isEnabled = true;
      await expectRun(backend);
      expectWhole(trace.runs[0]!);
      expect(trace.runs).toHaveLength(1);
    } finally {
      await backend.dispose();
    }
  });

  it("is refused if the tracer is invalid", () =>
    expectError(open({ ...software, tracer: (() => {}) as never }), "invalid-option", /tracer/, name));
});
