/** How processes end that have a child, and that the child ends with them. */
import { fileURLToPath } from "node:url";
import { runNode, startNode } from "@kiln-gpu/processes";
import { eventually } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { children, isAlive, openSoftware } from "./children.test-support.js";

/** Scripts resolve packages as this one does. Plain Node loads their built output. */
const cwd = fileURLToPath(new URL("..", import.meta.url));

const prelude = `
  import { openProcessBackend } from "@kiln-gpu/backend-process";
  import { runFieldAdd } from "@kiln-gpu/kernels";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { readFileSync } from "node:fs";
  const gpu = await openProcessBackend({ fallback: softwareGpu, software: true, store: false });
  const one = new Float32Array(100).fill(1);
  const run = () => runFieldAdd(gpu, one, one);
  const [child] = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").split(" ");
  await run();
  console.log(child);
`;

const endings: readonly [string, string, number][] = [
  ["by itself after dispose", "await gpu.dispose();", 0],
  ["by itself without dispose", "", 0],
  ["by process.exit with runs in flight", "run(); run(); process.exit(3);", 3],
  ["by an error that nothing catches", "run(); throw new Error('x');", 1],
];

describe("a process that ends", () => {
  it.each(endings)("%s takes the child with it", async (_, code, status) => {
    const end = await runNode(["--input-type=module", "--eval", prelude + code], { cwd, timeoutMs: 120_000 });
    expect(end).toMatchObject({ status, signal: null });
    const child = Number(end.stdout);
    expect(child).toBeGreaterThan(0);
    await eventually(() => expect(isAlive(child)).toBe(false));
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("by %s takes the child with it", async (signal) => {
    let stdout = "";
    const args = ["--input-type=module", "--eval", `${prelude} setInterval(() => 0, 1000); for (;;) await run();`];
    const parent = startNode(args, { cwd, timeoutMs: 120_000 }, (stream, text) => {
      if (stream === "stdout") stdout += text;
    });
    await eventually(() => expect(stdout).toContain("\n"));
    const child = Number(stdout);
    expect(isAlive(child)).toBe(true);
    parent.kill(signal);
    await eventually(() => expect(isAlive(child)).toBe(false));
  });
});

it("dispose ends the child, and a second dispose waits with the first", async () => {
  const gpu = await openSoftware();
  const [child] = children();
  await Promise.all([gpu.dispose(), gpu.dispose()]);
  expect(isAlive(child!)).toBe(false);
});

it("a child whose thread is busy ends too once its parent is gone", async () => {
  const watch = new URL("../dist/watch-parent.js", import.meta.url).href;
  const busy = `
    const { Worker } = require("node:worker_threads");
    new Worker(new URL("${watch}"), { workerData: process.ppid }).on("online", () => {
      require("node:fs").writeSync(1, process.pid + "\\n");
      for (;;);
    });`;
  let stdout = "";
  const code = `require("node:child_process").spawn(process.execPath, ["--eval", ${JSON.stringify(busy)}], { stdio: "inherit" })`;
  const parent = startNode(["--eval", code], { timeoutMs: 120_000 }, (stream, text) => {
    if (stream === "stdout") stdout += text;
  });
  await eventually(() => expect(stdout).toContain("\n"));
  expect(isAlive(Number(stdout))).toBe(true);
  parent.kill("SIGKILL");
  await eventually(() => expect(isAlive(Number(stdout))).toBe(false));
});
