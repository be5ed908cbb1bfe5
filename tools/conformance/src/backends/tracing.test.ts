/** What the backends tell a tracer of real work. */
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "@kiln-gpu/backend-persistent";
import {
  type ComputeBackend,
  type DeviceChange,
  output,
  type RunPhase,
  type SubmissionSpan,
  type TimeSpan,
  type TraceEvent,
  type Tracer,
  type WorkSpan,
} from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { chromeTrace } from "@kiln-gpu/observability";
import { expectError, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";

const data = new RandomData(47);
const [a, b] = [data.floats(1000), data.floats(1000)];
const bindings = { a, b, c: output(Float32Array, 1000) };

/** In the order in which every submission goes through them. */
const submissionPhases: readonly RunPhase[] = ["upload", "descriptors", "recording", "compute", "download"];

async function expectRun(backend: ComputeBackend): Promise<void> {
  expectSame((await backend.run(fieldAdd, bindings)).c, fieldAddReference(a, b));
}

/** Those of what a backend has told, in the order in which it did. */
class Kept implements Tracer {
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

/** Each after the one before, and all within `outer`. */
function expectNested(outer: TimeSpan, inner: readonly TimeSpan[]): void {
  expect(outer.startUs).toBeLessThanOrEqual(outer.endUs);
  let last = outer.startUs;
  for (const { startUs, endUs } of inner) {
    expect(startUs).toBeGreaterThanOrEqual(last);
    expect(endUs).toBeGreaterThanOrEqual(startUs);
    last = endUs;
  }
  expect(last).toBeLessThanOrEqual(outer.endUs);
}

const phasesOf = ({ phases }: WorkSpan | SubmissionSpan) => phases.map(({ phase }) => phase);

function expectWhole(run: WorkSpan): void {
  expectNested(run, [...run.phases, run.submission!]);
  expectNested(run.submission!, run.submission!.phases);
  expect(phasesOf(run.submission!)).toEqual(submissionPhases);
  expect(run.submission!.work).toContain(run.id);
}

const backends = [
  { name: "one-shot", open: openOneShotBackend, phases: ["pipeline", "init", "pipeline"] },
  { name: "persistent", open: openPersistentBackend, phases: ["pipeline"] },
] as const;

describe.each(backends)("the trace of the $name backend", ({ name, open, phases }) => {
  /** What `work` makes the backend tell. */
  async function traceOf(work: (backend: ComputeBackend) => Promise<unknown>): Promise<Kept> {
    const kept = new Kept();
    const backend = await open({ ...software, tracer: kept });
    try {
      await work(backend);
      const { runs, submissions } = backend.stats();
      expect(kept.runs).toHaveLength(runs.completed + runs.failed);
      expect(kept.submissions.length).toBeGreaterThanOrEqual(submissions);
    } finally {
      await backend.dispose();
    }
    for (const { backend: told } of kept.events) expect(told).toBe(name);
    return kept;
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

  it("tells of a profiled run what its profile tells", async () => {
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

  it("has what is prepared as a task, and an empty run without a submission", async () => {
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
    // Of two spans of a track either comes after the other or lies within it: viewers stack them by that. Times are sums of doubles.
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

  it("is nothing where the tracer is not enabled, and goes on where it is again", async () => {
    const kept = new Kept();
    kept.isEnabled = false;
    const backend = await open({ ...software, tracer: kept });
    try {
      await expectRun(backend);
      expect(kept.events).toEqual([]);
      kept.isEnabled = true;
      await expectRun(backend);
      expectWhole(kept.runs[0]!);
      expect(kept.runs).toHaveLength(1);
    } finally {
      await backend.dispose();
    }
  });

  it("is refused where the tracer is none", () =>
    expectError(open({ ...software, tracer: (() => {}) as never }), "invalid-option", /tracer/, name));
});

describe("the trace of the persistent backend", () => {
  async function withTrace(
    work: (gpu: PersistentComputeBackend, kept: Kept) => Promise<void>,
    options: PersistentBackendOptions = software,
  ): Promise<void> {
    const kept = new Kept();
    const gpu = await openPersistentBackend({ ...options, tracer: kept });
    try {
      await work(gpu, kept);
    } finally {
      await gpu.dispose();
    }
  }

  it("has one submission for the runs that share it", () =>
    withTrace(async (gpu, kept) => {
      await gpu.prepare(fieldAdd);
      await Promise.all(Array.from({ length: 8 }, () => expectRun(gpu)));
      const [shared] = kept.submissions;
      expect(kept.submissions).toHaveLength(1);
      expect(shared!.work).toEqual(kept.runs.map(({ id }) => id));
      expect(kept.runs).toHaveLength(8);
      for (const run of kept.runs) {
        expectWhole(run);
        expect(run.submission).toBe(shared);
      }
    }));

  it("has a submission that was refused, and then one for each of its runs", () =>
    withTrace(async (gpu, kept) => {
      // Warm, so that all are checked in their calls.
      await expectRun(gpu);
      kept.events.length = 0;
      const taken = data.floats(1000);
      const good = [expectRun(gpu), expectRun(gpu)];
      const bad = gpu.run(fieldAdd, { ...bindings, a: taken });
      structuredClone(taken.buffer, { transfer: [taken.buffer] });
      await expectError(bad, "invalid-binding", "which are 0 now");
      await Promise.all(good);
      const [shared, ...alone] = kept.submissions;
      expect(shared).toMatchObject({ work: kept.runs.map(({ id }) => id).sort(), error: { code: "invalid-binding" } });
      expect(alone.map(({ work }) => work.length)).toEqual([1, 1, 1]);
      for (const { id, error, submission } of kept.runs) {
        expect(submission!.work).toEqual([id]);
        expect(submission!.error).toEqual(error);
      }
      expect(kept.runs.map(({ error }) => error?.code).sort()).toEqual(["invalid-binding", undefined, undefined]);
    }));

  it("has the opening of the device and each compilation, once", () =>
    withTrace(async (gpu, kept) => {
      for (let i = 0; i < 3; i += 1) await expectRun(gpu);
      expect(kept.tasks.map(({ label }) => label)).toEqual([
        "The opening of a device",
        `The compilation of kernel "${fieldAdd.label}"`,
      ]);
      const [first] = kept.runs;
      expectNested(first!.phases[0]!, [kept.tasks[1]!]);
    }));

  it("has what is done with resident arrays and sequences, with the submissions of each", () =>
    withTrace(async (gpu, kept) => {
      const x = await gpu.array(a, { label: "x" });
      const sequence = await gpu.record({ c: output(Float32Array, 1000) }, (run, { c }) => {
        run(fieldAdd, { a: x, b: x, c });
      });
      await sequence.replay();
      await x.read();
      const work = [...kept.tasks, ...kept.runs];
      for (const text of ['The write of resident array "x"', 'The read of resident array "x"', 'sequence "sequence"']) {
        const span = work.find(({ label }) => label === text)!;
        expectNested(span, [span.submission!]);
        expect(phasesOf(span.submission!)).toEqual(submissionPhases);
        expect(span.submission!.work).toEqual([span.id]);
      }
      expect(kept.runs).toHaveLength(1);
      expect(kept.tasks.map(({ label }) => label)).toContain('The recording of sequence "sequence"');
      sequence.dispose();
      x.dispose();
    }));

  it("has a device that is lost, and another in its place", async () => {
    const devices: GPUDevice[] = [];
    const device = async () => {
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      return opened;
    };
    await withTrace(
      async (gpu, kept) => {
        await expectRun(gpu);
        const recovered = new Promise((resolve) => gpu.on("recovered", resolve));
        devices[0]!.destroy();
        await recovered;
        await expectRun(gpu);
        expect(kept.devices).toMatchObject([
          { change: "lost", device: gpu.device.name, error: { code: "device-lost" } },
          { change: "recovered", device: gpu.device.name },
        ]);
        expect(kept.devices[0]!.atUs).toBeLessThanOrEqual(kept.devices[1]!.atUs);
        expect(kept.tasks.filter(({ label }) => label === "The opening of a device")).toHaveLength(2);
        // Ids go on: a submission is told apart from those of another device.
        expect(kept.submissions.map(({ id }) => id)).toEqual([1, 2]);
      },
      { device },
    );
  });
});
