/** Children that hang, crash or are killed, on a software GPU. */
import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { eventually, expectError, expectSame, RandomData, spin, spinBindings } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { children, endless, endlessBindings, isAlive, openSoftware } from "./children.test-support.js";

const data = new RandomData(91);
const [a, b] = [data.floats(1000), data.floats(1000)];
const expected = fieldAddReference(a, b);

describe("a kernel that does not end", () => {
  it("costs its caller a timeout and the child its life; the other runs are served", async () => {
    await using gpu = await openSoftware();
    await gpu.prepare(endless);
    const [child] = children();
    const held = gpu.run(endless, endlessBindings, { timeoutMs: 500 });
    const others = Array.from({ length: 40 }, () => runFieldAdd(gpu, a, b));
    await expectError(held, "timeout", /"endless" has not finished within 500 ms/);
    for (const other of others) expectSame(await other, expected);
    await eventually(() => expect(isAlive(child!)).toBe(false));
    expect(children().length).toBeLessThanOrEqual(1);
    expectSame(await runFieldAdd(gpu, a, b), expected);
    expect(gpu.stats().runs).toMatchObject({ failed: 1, pending: 0 });
  });

  it("ends with its child when the run is aborted, however often that happens", async () => {
    await using gpu = await openSoftware({ maxCrashes: 1 });
    await gpu.prepare(endless);
    for (let i = 0; i < 3; i += 1) {
      const [child] = children();
      const controller = new AbortController();
      const held = gpu.run(endless, endlessBindings, { signal: controller.signal });
      const next = runFieldAdd(gpu, a, b);
      controller.abort();
      await expectError(held, "aborted");
      expectSame(await next, expected);
      // One that is aborted before it is submitted never is, and its child lives on.
      if (isAlive(child!)) continue;
      expect(children()).not.toContain(child);
    }
  });
});

describe("a child that ends", () => {
  it("costs no run: those in flight begin again in the next one", async () => {
    await using gpu = await openSoftware();
    for (let i = 0; i < 3; i += 1) {
      const runs = Array.from({ length: 100 }, () => runFieldAdd(gpu, a, b));
      await runs[10 * i];
      for (const child of children()) process.kill(child, "SIGKILL");
      for (const run of runs) expectSame(await run, expected);
    }
    const { started, completed, retried } = gpu.stats().runs;
    expect({ started, completed }).toEqual({ started: 300, completed: 300 });
    expect(retried).toBeGreaterThan(0);
  });

  it("while nothing runs is replaced when a run needs one", async () => {
    await using gpu = await openSoftware();
    const [child] = children();
    process.kill(child!, "SIGSEGV");
    await eventually(() => expect(isAlive(child!)).toBe(false));
    expectSame(await runFieldAdd(gpu, a, b), expected);
  });

  it("with the same run each time rejects that run with how often and why", async () => {
    await using gpu = await openSoftware();
    const run = gpu.run(spin, { ...spinBindings, rounds: 1_000_000_000 });
    const rejected = expectError(run, "device-lost", /"spin" was lost 3 times.*the child process is gone.*SIGABRT/);
    const killed = new Set<number>();
    while (killed.size < 3) {
      await eventually(() => expect(children().some((pid) => !killed.has(pid))).toBe(true));
      for (const child of children()) {
        killed.add(child);
        process.kill(child, "SIGABRT");
      }
    }
    await rejected;
    expectSame(await runFieldAdd(gpu, a, b), expected);
  });

  it("again and again without a result is given up, with how often and why", async () => {
    await using gpu = await openSoftware({ maxCrashes: 2 });
    const run = gpu.run(spin, { ...spinBindings, rounds: 1_000_000_000 });
    const words = /ended 3 times in a row without a result and is not started again.*SIGKILL/;
    const rejected = expectError(run, "device-lost", words);
    for (let i = 0; i < 3; i += 1) {
      await eventually(() => expect(children()).toHaveLength(1));
      const [child] = children();
      process.kill(child!, "SIGKILL");
      await eventually(() => expect(isAlive(child!)).toBe(false));
    }
    await rejected;
    await expectError(runFieldAdd(gpu, a, b), "device-lost", words);
  });

  it("is killed if it does not answer", async () => {
    await using gpu = await openSoftware({ responseMs: 300 });
    const [child] = children();
    process.kill(child!, "SIGSTOP");
    const late = runFieldAdd(gpu, a, b, { timeoutMs: 100 });
    const other = runFieldAdd(gpu, a, b);
    await expectError(late, "timeout");
    expectSame(await other, expected);
    expect(isAlive(child!)).toBe(false);
  });
});
