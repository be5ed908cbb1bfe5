/** Tests of the built command in its own process. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "@kiln-gpu/processes";
import { describe, expect, test } from "vitest";
import { help } from "./options.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** The output of the command itself, without that of drivers. */
async function bench(...args: readonly string[]) {
  const { status, stdout, words } = await runNode([main, ...args]);
  return { status, stdout, stderr: words };
}

test.each(["--help", "-h"])("%s prints the help", async (flag) => {
  expect(await bench(flag)).toEqual({ status: 0, stdout: `${help}\n`, stderr: "" });
});

test("a wrong flag prints its name and the help, and exits with 2", async () => {
  const { status, stdout, stderr } = await bench("--bogus");
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain("'--bogus'");
  expect(stderr).toContain(help);
  expect(stderr).not.toContain("    at ");
});

test("a wrong value is printed and exits with 2", async () => {
  const { status, stderr } = await bench("--sizes", "64,many");
  expect(status).toBe(2);
  expect(stderr).toContain('"many"');
});

test("an adapter that does not exist exits with 1 and an error code", async () => {
  const { status, stdout, stderr } = await bench("--adapter", "nonsense");
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  // Vulkan drivers may print warnings before it.
  expect(stderr).toMatch(/^no-adapter: No adapter's name contains "nonsense"; found: .*\.\n$/m);
});

test("a run that is compared with an earlier one writes a page, and fails if it is slower", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bench-test-"));
  try {
    const [json, html, old] = ["figures.json", "report.html", "old.json"].map((name) => join(folder, name));
    const work = ["--software", "--sizes", "64", "--iterations", "3", "--backend", "persistent"];
    expect(await bench(...work, "--json", json!)).toMatchObject({ status: 0 });
    const first = await bench(...work, "--compare", json!, "--fail-beyond", "1000000%", "--html", html!);
    expect(first.status).toBe(0);
    expect(first.stdout).toContain(`Compared with ${json} (medians; above 1 is slower)`);
    const page = await readFile(html!, "utf8");
    expect(page).toMatch(/^<!doctype html>.*SwiftShader.*<svg .*persistent, warm/s);
    expect(page).not.toMatch(/NaN|<script|src=|href=/);
    // A thousandth of each time, as if the machine had been so much faster.
    const text = await readFile(json!, "utf8");
    await writeFile(
      old!,
      text.replace(/("(?:median|p10|p90)Ms": )([\d.e-]+)/g, (_, name, ms) => name + ms / 1000),
    );
    const slower = await bench(...work, "--compare", old!, "--fail-beyond", "10%");
    expect(slower.status).toBe(1);
    expect(slower.stderr).toContain("Slower by more than 10%:\ncomparison, size 64, ");
    expect(await bench(...work, "--compare", join(folder, "absent.json"))).toMatchObject({ status: 2, stdout: "" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a run on the software GPU prints its report and writes its figures", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bench-test-"));
  try {
    const file = join(folder, "figures.json");
    const { status, stdout, stderr } = await bench("--software", "--sizes", "64", "--iterations", "5", "--json", file);
    expect(stderr).toBe("one-shot at 64 elements, 3 calls\npersistent at 64 elements, 5 calls\n");
    expect(status).toBe(0);
    for (const part of ["SwiftShader", "a SOFTWARE GPU", "One-shot:", "Persistent:", "Time tree", "Targets"]) {
      expect(stdout).toContain(part);
    }

    const { device, host, figures, targets, suites } = JSON.parse(await readFile(file, "utf8"));
    expect(suites).toEqual({});
    expect(device).toMatchObject({ isSoftware: true, name: expect.stringContaining("SwiftShader") });
    expect(host).toEqual({ node: process.versions.node, platform: process.platform, arch: process.arch });
    expect(figures).toHaveLength(1);
    const { size, oneShot, persistent } = figures[0];
    expect(size).toBe(64);
    expect(oneShot.run.count).toBe(3);
    expect(oneShot.stats.runs).toMatchObject({ failed: 0, pending: 0 });
    expect(oneShot.stats.runs.completed).toBe(oneShot.stats.devices.made);
    expect(oneShot.stats.devices.live).toBe(0);
    for (const timing of [persistent.warm, persistent.handTuned.warm, persistent.bare.warm, persistent.plainLoop]) {
      expect(timing.count).toBe(5);
      expect(timing.medianMs).toBeGreaterThan(0);
      expect(timing.p10Ms).toBeLessThanOrEqual(timing.medianMs);
      expect(timing.medianMs).toBeLessThanOrEqual(timing.p90Ms);
    }
    expect(persistent.stats.runs).toMatchObject({ failed: 0, pending: 0 });
    expect(persistent.stats.devices).toMatchObject({ made: 1, live: 1 });
    expect(persistent.stats.pipelines).toMatchObject({ made: 1, live: 1 });
    expect(persistent.stats.pipelines.reused).toBeGreaterThanOrEqual(5);
    const parts = Object.entries(persistent.warmProfile).filter(([name]) => !/^(totalMs|gpuTimeNs)$/.test(name));
    const sum = parts.reduce((all, [, ms]) => all + (ms as number), 0);
    expect(parts).toHaveLength(7);
    expect(sum).toBeLessThanOrEqual(persistent.warmProfile.totalMs + 1e-9);
    expect(targets.map(({ name }: { name: string }) => name)).toEqual([
      "speed-up at 64",
      "warm call, up to 64K",
      "pipeline reuse",
      "descriptor pooling",
    ]);
    const reuse = targets.find(({ name }: { name: string }) => name === "pipeline reuse");
    expect(reuse).toMatchObject({ isMet: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** `KILN_LONG=1` runs every suite, which takes a minute. */
const testLong = test.runIf(process.env.KILN_LONG === "1");

describe("suites", () => {
  interface Figures {
    readonly stdout: string;
    readonly suites: Record<string, unknown>;
    readonly names: readonly string[];
  }

  async function figuresOf(...args: readonly string[]): Promise<Figures> {
    const folder = await mkdtemp(join(tmpdir(), "bench-test-"));
    try {
      const file = join(folder, "figures.json");
      const { status, stdout, stderr } = await bench("--software", ...args, "--json", file);
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      const json = JSON.parse(await readFile(file, "utf8"));
      return { stdout, suites: json.suites, names: Object.keys(json) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  const expectTiming = (timing: unknown, count: number) => {
    expect(timing).toMatchObject({ count, p10Ms: expect.any(Number), p90Ms: expect.any(Number) });
    expect((timing as { medianMs: number }).medianMs).toBeGreaterThan(0);
  };

  test("transfer reports every path at every size", async () => {
    const { stdout, suites, names } = await figuresOf("--suite", "transfer", "--sizes", "64,1001", "--iterations", "3");
    expect(names).toEqual(["device", "host", "suites"]);
    const sizes = suites.transfer as {
      size: number;
      byteLength: number;
      paths: { name: string; warm: unknown }[];
    }[];
    expect(sizes.map(({ size, byteLength }) => [size, byteLength])).toEqual([
      [64, 768],
      [1001, 12012],
    ]);
    for (const { paths } of sizes) {
      expect(paths.map(({ name }) => name)).toEqual([
        "kiln",
        "kiln into",
        "kiln stage+lease",
        "tuned writeBuffer",
        "tuned mapped",
        "tuned in place",
        "plain loop",
      ]);
      for (const { name, warm } of paths) {
        expectTiming(warm, 3);
        expect(stdout).toContain(name);
      }
    }
    expect(stdout).toContain("Transfer at 1001 elements");
    expect(stdout).not.toContain("One-shot:");
  });

  testLong("throughput reports every depth, and leaves out bursts that are too large", async () => {
    const { stdout, suites } = await figuresOf("--suite", "throughput", "--sizes", "100,256K", "--iterations", "1");
    const rows = suites.throughput as { size: number; inFlight: number; perRun: Record<string, unknown> }[];
    expect(rows.map(({ size, inFlight }) => [size, inFlight])).toEqual([
      ...[1, 4, 16, 256, 1024].map((inFlight) => [100, inFlight]),
      ...[1, 4, 16].map((inFlight) => [256 * 1024, inFlight]),
    ]);
    for (const { perRun } of rows) {
      expect(Object.keys(perRun)).toEqual(["kiln", "oneAtATime", "slots", "coalesced"]);
      for (const timing of Object.values(perRun)) expectTiming(timing, 1);
    }
    expect(stdout).toContain("Throughput at 256K elements: runs a second");
  });

  testLong("chain reports every way at every length, through the host up to 100", async () => {
    const { stdout, suites } = await figuresOf("--suite", "chain", "--sizes", "100", "--iterations", "1");
    const rows = suites.chain as {
      size: number;
      dispatches: number;
      ways: { name: string; perDispatch: unknown }[];
    }[];
    expect(rows.map(({ size, dispatches }) => [size, dispatches])).toEqual(
      [1, 10, 100, 1000].map((dispatches) => [100, dispatches]),
    );
    for (const { dispatches, ways } of rows) {
      expect(ways.map(({ name }) => name)).toEqual([
        "kiln sequence",
        "kiln sequence, on the device",
        "kiln at once",
        ...(dispatches <= 100 ? ["kiln through the host"] : []),
        "tuned",
        "tuned, bare",
      ]);
      for (const { perDispatch } of ways) expectTiming(perDispatch, 1);
    }
    expect(stdout).toContain("Chain of 1000 at 100 elements");
  });

  testLong("compute reports each kernel with its ceiling and what was tuned", async () => {
    const { stdout, suites } = await figuresOf("--suite", "compute", "--sizes", "300", "--iterations", "1");
    interface Subject {
      name: string;
      work: number;
      repeats: number;
      perRun: unknown;
    }
    const { clock, products, bodies, sums, moves } = suites.compute as Record<
      "products" | "bodies" | "sums" | "moves",
      [{ size: number; kernel: Subject; ceiling: Subject; tiles?: Subject; tuning?: { chosen: object } }]
    > & { clock: string };
    expect(clock).toBe("device");
    const kernels = [products, bodies, sums].map(([{ size, kernel }]) => [kernel.name, size, kernel.work]);
    expect(kernels).toEqual([
      ["matrix-product", 17, 2 * 17 ** 3],
      ["n-body", 300, 20 * 300 ** 2],
      ["sum", 300, 4 * 300],
    ]);
    expect([products, bodies, sums].map(([{ ceiling }]) => ceiling.name)).toEqual(["fma", "fma", "read"]);
    for (const [{ kernel, ceiling, tiles }] of [products, bodies, sums]) {
      for (const subject of [kernel, ceiling, ...(tiles ? [tiles] : [])]) {
        expectTiming(subject.perRun, 1);
        expect(subject.repeats).toBeGreaterThanOrEqual(1);
      }
    }
    expect((moves as unknown as (typeof sums)[0][]).map(({ kernel, size }) => [kernel.name, size])).toEqual(
      ["scan", "sort", "compaction", "reduce by key", "fft of 1024", "convolution of 5×5"].map((name) => [name, 2048]),
    );
    expect(moves[0].ceiling.name).toBe("copy");
    expect(bodies[0].tuning!.chosen).toHaveProperty("workgroup_size");
    expect(stdout).toContain("17×17");
  });

  testLong("idle reports cold, warm and idle calls apart", async () => {
    const { stdout, suites } = await figuresOf("--suite", "idle", "--sizes", "64", "--iterations", "1");
    const [figures] = suites.idle as {
      afterIdle: { name: string; kiln: unknown; handTuned: unknown }[];
      idleCpu: number;
    }[];
    const { afterIdle, idleCpu, ...moments } = figures as typeof figures &
      Record<string, { kiln: unknown; handTuned: unknown }>;
    for (const [name, count] of Object.entries({ opening: 3, coldFirst: 3, warm: 20 })) {
      expectTiming(moments[name]!.kiln, count);
      expectTiming(moments[name]!.handTuned, count);
    }
    expect(afterIdle.map(({ name }) => name)).toEqual(["first after 0.2 s", "first after 1 s", "first after 5 s"]);
    for (const { name, kiln, handTuned } of afterIdle) {
      expectTiming(kiln, 1);
      expectTiming(handTuned, 1);
      expect(stdout).toContain(name);
    }
    expect(idleCpu).toBeGreaterThan(0);
  });

  // Eighteen processes.
  testLong(
    "cold reports starts without a store, with one, and with a manifest, and look-ups",
    async () => {
      const { stdout, suites } = await figuresOf("--suite", "cold", "--iterations", "1");
      const { works, lookUp } = suites.cold as {
        works: {
          name: string;
          ways: { done: unknown; opened: unknown; programs: number; pipelines: number; warmed: number }[];
        }[];
        lookUp: { pipelines: { medianMs: number }; withPlan: { medianMs: number }; inRuns: { medianMs: number } };
      };
      expect(works.map(({ name }) => name)).toEqual([
        "1 kernel",
        "20 kernels, one after the other",
        "20 kernels, at once",
      ]);
      for (const { name, ways } of works) {
        expect(stdout).toContain(name);
        for (const { opened, done } of ways) {
          expectTiming(opened, 1);
          expectTiming(done, 1);
        }
        const [without, withStore, withManifest] = ways;
        expect(without).toMatchObject({ programs: 0, warmed: 0 });
        expect(withStore!.programs).toBeGreaterThanOrEqual(name === "1 kernel" ? 1 : 20);
        expect(withStore).toMatchObject({ warmed: 0, pipelines: without!.pipelines });
        expect(withManifest!.pipelines).toBe(without!.pipelines);
        if (name === "20 kernels, one after the other") expect(withManifest!.warmed).toBeGreaterThan(0);
      }
      expect(lookUp.pipelines.medianMs).toBeGreaterThan(0);
      expect(lookUp.withPlan.medianMs).toBeGreaterThan(0);
      expect(lookUp.inRuns.medianMs).toBeGreaterThan(0);
    },
    300_000,
  );

  testLong("memory reports what is held at three moments, and the garbage of a run", async () => {
    const { stdout, suites } = await figuresOf("--suite", "memory", "--sizes", "64,1000", "--iterations", "100");
    const { held, garbage, counted } = suites.memory as {
      held: { runs: number; buffers: { live: number }; pipelines: { made: number }; heapByteLength: number }[];
      garbage: { results: string; kiln: number; handTuned: number }[];
      counted: number;
    };
    expect(held.map(({ runs }) => runs)).toEqual([0, 10, 100]);
    // One for each kernel, and another one of the matrix product for the odd size.
    expect(held.map(({ pipelines }) => pipelines.made)).toEqual([0, 6, 6]);
    expect(held[0]!.buffers.live).toBe(0);
    expect(held[2]!.buffers.live).toBeGreaterThan(0);
    const figures = { kiln: expect.any(Number), handTuned: expect.any(Number) };
    expect(garbage).toEqual([
      { results: "new arrays", ...figures },
      { results: "into", ...figures },
    ]);
    expect(counted).toEqual(expect.any(Number));
    expect(stdout).toContain("high-water");
  });

  test("several suites run in the given order, with the figures of the comparison apart", async () => {
    const { stdout, suites, names } = await figuresOf(
      "--suite",
      "transfer,comparison",
      "--sizes",
      "64",
      "--iterations",
      "1",
      "--backend",
      "persistent",
    );
    expect(names).toEqual(["device", "host", "figures", "targets", "suites"]);
    expect(Object.keys(suites)).toEqual(["transfer"]);
    expect(stdout.indexOf("Transfer at 64")).toBeLessThan(stdout.indexOf("Persistent:"));
    expect(stdout.match(/^Adapter/gm)).toHaveLength(1);
  });
});

describe("one backend alone", () => {
  test("is the only suite that runs", async () => {
    const { status, stdout, stderr } = await bench(
      "--software",
      "--sizes",
      "64",
      "--iterations",
      "1",
      "--backend",
      "one-shot",
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "one-shot at 64 elements, 3 calls\n" });
    expect(stdout).toContain("One-shot:");
    expect(stdout).not.toContain("Persistent:");
  });
});
