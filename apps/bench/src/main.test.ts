/** Tests of the command as it is built, in a process of its own. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { help } from "./options.js";

interface CommandEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: readonly string[]): Promise<CommandEnd> {
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

test.each(["--help", "-h"])("%s prints the help", async (flag) => {
  expect(await bench(flag)).toEqual({ status: 0, stdout: `${help}\n`, stderr: "" });
});

test("a wrong flag is named, with the help, and exits with 2", async () => {
  const { status, stdout, stderr } = await bench("--bogus");
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain("'--bogus'");
  expect(stderr).toContain(help);
  expect(stderr).not.toContain("    at ");
});

test("a wrong value is named and exits with 2", async () => {
  const { status, stderr } = await bench("--sizes", "64,many");
  expect(status).toBe(2);
  expect(stderr).toContain('"many"');
});

test("an adapter that is not there exits with 1 and its code", async () => {
  const { status, stdout, stderr } = await bench("--adapter", "nonsense");
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^no-adapter: No adapter's name contains "nonsense"; found: .*\.\n$/);
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

    const { device, host, figures, targets } = JSON.parse(await readFile(file, "utf8"));
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

describe("one backend alone", () => {
  test("is all that runs", async () => {
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
