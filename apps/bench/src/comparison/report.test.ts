import type { BackendStats, RunProfile } from "@kiln-gpu/core";
import { describe, expect, test } from "vitest";
import { printSections } from "../print.js";
import type { Timing } from "../statistics.js";
import type { OneShotFigures, PersistentFigures } from "./measure.js";
import { type SizeFigures, sectionsOf, targetsOf } from "./report.js";

const timing = (medianMs: number, count = 200): Timing => ({
  count,
  meanMs: medianMs * 1.5,
  p10Ms: medianMs / 2,
  medianMs,
  p90Ms: medianMs * 2,
});

const profile: RunProfile = {
  initMs: 50,
  pipelineMs: 20,
  descriptorsMs: 0.5,
  uploadMs: 1.5,
  recordingMs: 0.25,
  computeMs: 5,
  downloadMs: 2.75,
  totalMs: 100,
};

const counters = { made: 1, reused: 1000, live: 1, evicted: 0, warmed: 0 };
const stats: BackendStats = {
  runs: { started: 201, completed: 201, failed: 0, pending: 0, retried: 0 },
  submissions: 201,
  queue: { waiting: 0, inFlight: 0 },
  devices: { made: 1, reused: 200, live: 1, lost: 0, abandoned: 0 },
  pipelines: counters,
  bindGroups: { ...counters, made: 3, live: 3 },
  buffers: { made: 4, reused: 800, live: 4, bytes: 4096, highWaterBytes: 4096, inUseBytes: 0, waiting: 0 },
  store: { hits: 0, misses: 0, failures: 0, programs: 0 },
};

const oneShot = (medianMs: number): OneShotFigures => ({ run: timing(medianMs, 10), profile, stats });

const persistent = (medianMs: number, other: Partial<PersistentFigures> = {}): PersistentFigures => ({
  initMs: 40,
  firstMs: 12,
  warm: timing(medianMs),
  firstProfile: profile,
  warmProfile: profile,
  stats,
  handTuned: { name: "writeBuffer", warm: timing(medianMs / 2) },
  bare: { name: "mapped staging, bare", warm: timing(medianMs / 4) },
  plainLoop: timing(medianMs * 4),
  ...other,
});

const row = (size: number, one: number | undefined, kept: PersistentFigures | number | undefined): SizeFigures => ({
  size,
  oneShot: one === undefined ? undefined : oneShot(one),
  persistent: typeof kept === "number" ? persistent(kept) : kept,
});

const reported = (figures: readonly SizeFigures[]) => printSections(sectionsOf(figures, targetsOf(figures)));

const targetNamed = (figures: readonly SizeFigures[], name: string) =>
  targetsOf(figures).find((target) => target.name === name);

describe("targets", () => {
  test.each<[number, number, number, boolean, string]>([
    [64, 100, 10, true, "10.00x"],
    [64, 99.9, 10, false, "9.99x"],
    [2 ** 16, 50, 10, true, "5.00x"],
    [2 ** 16, 49.9, 10, false, "4.99x"],
  ])("at %i elements, %d ms by %d ms", (size, one, kept, isMet, measured) => {
    const name = size === 64 ? "speed-up at 64" : "speed-up at 64K";
    const expected = size === 64 ? "at least 10x" : "at least 5x";
    expect(targetNamed([row(size, one, kept)], name)).toEqual({ name, expected, measured, isMet });
  });

  test.each<[string, SizeFigures]>([
    ["other sizes", row(128, 100, 1)],
    ["one backend alone", row(64, undefined, 1)],
    ["the other alone", row(64, 100, undefined)],
  ])("no speed-up is judged from %s", (_, figures) => {
    expect(targetsOf([figures]).filter(({ name }) => name.startsWith("speed-up"))).toEqual([]);
  });

  test("without the persistent backend there are none", () => {
    expect(targetsOf([row(64, 100, undefined)])).toEqual([]);
  });

  test("a warm call is judged by the slowest up to 64K", () => {
    const figures = [row(64, undefined, 24), row(4096, undefined, 25), row(2 ** 20, undefined, 500)];
    expect(targetNamed(figures, "warm call, up to 64K")).toMatchObject({ measured: "25.00 ms", isMet: false });
    expect(targetNamed(figures.slice(0, 1), "warm call, up to 64K")).toMatchObject({
      measured: "24.00 ms",
      isMet: true,
    });
    expect(targetsOf([row(2 ** 20, 100, 1)])).toEqual([]);
  });

  test.each<[string, Partial<typeof counters>, boolean]>([
    ["one that serves every run", {}, true],
    ["two", { made: 2 }, false],
    ["one that is made and hardly reused", { reused: 199 }, false],
    ["one that is reused just often enough", { reused: 200 }, true],
  ])("pipeline reuse requires %s", (_, pipelines, isMet) => {
    const figures = [row(64, 1, persistent(1, { stats: { ...stats, pipelines: { ...counters, ...pipelines } } }))];
    expect(targetNamed(figures, "pipeline reuse")!.isMet).toBe(isMet);
  });

  test.each<[string, Partial<typeof counters>, boolean]>([
    ["few that are reused", { made: 3, live: 3 }, true],
    ["500 at most", { made: 501, live: 501 }, false],
    ["500", { made: 500, live: 500 }, true],
    ["more reused than made", { made: 1000, live: 10 }, false],
  ])("descriptor pooling requires %s", (_, bindGroups, isMet) => {
    const figures = [row(64, 1, persistent(1, { stats: { ...stats, bindGroups: { ...counters, ...bindGroups } } }))];
    expect(targetNamed(figures, "descriptor pooling")!.isMet).toBe(isMet);
  });
});

describe("the report", () => {
  /** The cells of the row that starts with `first`. */
  const cells = (report: string, first: string) =>
    report
      .split("\n")
      .filter((line) => line.startsWith("│"))
      .map((line) =>
        line
          .split("│")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .filter(([cell]) => cell === first);

  test("prints yes for a target that is met, and NO for one that is missed", () => {
    const met = reported([row(64, 100, 1)]);
    expect(cells(met, "speed-up at 64")).toEqual([["speed-up at 64", "at least 10x", "100x", "yes"]]);
    expect(met).not.toMatch(/\bNO\b/);
    const missed = reported([row(64, 9, 1)]);
    expect(cells(missed, "speed-up at 64")).toEqual([["speed-up at 64", "at least 10x", "9.00x", "NO"]]);
    expect(missed.match(/\bNO\b/g)).toHaveLength(1);
  });

  test("has a row for each size, in its own units", () => {
    const report = reported([row(64, 100, 0.0625), row(2 ** 20, 250, 2)]);
    expect(cells(report, "64")).toEqual([
      ["64", "100.0 ms", "50.00 to 200.0 ms", "640.00 /s", "10"],
      ["64", "40.00 ms", "12.00 ms", "0.0938 ms", "0.0625 ms", "0.0313 to 0.1250 ms", "1600x", "1.02 M/s", "200"],
      ["64", "0.0625 ms", "0.0313 ms (writeBuffer)", "2.00x", "0.0156 ms (mapped staging)", "0.2500 ms"],
    ]);
    expect(cells(report, "1M")).toEqual([
      ["1M", "250.0 ms", "125.0 to 500.0 ms", "4.19 M/s", "10"],
      ["1M", "40.00 ms", "12.00 ms", "3.00 ms", "2.00 ms", "1.00 to 4.00 ms", "125x", "524.29 M/s", "200"],
      ["1M", "2.00 ms", "1.00 ms (writeBuffer)", "2.00x", "0.5000 ms (mapped staging)", "8.00 ms"],
    ]);
  });

  test("leaves out a backend that was not requested", () => {
    const oneShotAlone = reported([row(64, 100, undefined)]);
    expect(oneShotAlone).toContain("One-shot:");
    expect(oneShotAlone).not.toMatch(/Persistent|persistent|Targets|plain/);
    const persistentAlone = reported([row(64, undefined, 1)]);
    expect(persistentAlone).not.toMatch(/One-shot|one-shot/);
    expect(cells(persistentAlone, "64")[0]).toContain("-");
  });

  test("draws the time tree of the largest size up to 64K, whose parts make up the total", () => {
    const report = reported([row(64, 100, 1), row(2 ** 16, 100, 1), row(2 ** 20, 100, 1)]);
    expect(report.match(/Time tree.*/g)).toEqual([
      "Time tree, one-shot call at 64K elements",
      "Time tree, persistent, opening and first call at 64K elements",
      "Time tree, persistent, warm call at 64K elements",
    ]);
    const tree = report.split("\n\n").find((part) => part.startsWith("Time tree"))!;
    const shares = [...tree.matchAll(/([\d.]+)%/g)].map((match) => Number(match[1]));
    expect(shares).toEqual([50, 20, 0.5, 1.5, 0.3, 5, 2.8, 20]);
    expect(tree).toMatch(/init\s+50\.00 ms\s+50\.0%/);
    expect(tree).toMatch(/between the phases\s+20\.00 ms\s+20\.0%/);
    expect(tree).toContain("the kernel on the device: no timestamp queries");
  });

  test("prints the time of the kernel itself if the device can measure it", () => {
    const figures = row(64, 100, persistent(1, { warmProfile: { ...profile, gpuTimeNs: 2500 } }));
    expect(reported([figures])).toContain("the kernel on the device: 0.0025 ms");
  });

  test("says at which sizes a plain loop is faster", () => {
    const slower = persistent(1, { plainLoop: timing(0.5) });
    const report = reported([row(64, 100, slower), row(4096, 100, slower), row(2 ** 16, 100, 1)]);
    expect(report).toContain("At 64, 4K a plain JavaScript loop is faster");
    expect(reported([row(64, 100, 1)])).toContain("The GPU beats the plain loop at every size here.");
  });
});
