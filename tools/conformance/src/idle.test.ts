import { describe, expect, it } from "vitest";
import { runScript } from "./run-script.js";

/** A thread that asks again and again whether something has happened takes all that other processes leave it of one CPU. */
const mostOfOneCpu = 0.05;

describe("an open backend with nothing to do", () => {
  it("takes no CPU time, whatever it keeps and whatever its callers hold", async () => {
    const { code, output } = await runScript(
      `
      import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
      import { lease, output } from "@kiln-gpu/core";
      import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
      import { softwareGpu } from "@kiln-gpu/software-gpu";
      const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, store: false });
      const one = new Float32Array(100_000).fill(1);
      await Promise.all(Array.from({ length: 50 }, () => runFieldAdd(gpu, one, one)));
      const array = await gpu.array(one);
      const staged = await gpu.stage(Float32Array, 1000);
      const { c } = await gpu.run(fieldAdd, { a: one, b: array, c: lease(Float32Array, one.length) });
      if (c.data.some((value) => value !== 2)) throw new Error("The sum is wrong.");
      // What was thrown away meanwhile is collected before, not while this measures.
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [begin, since] = [process.cpuUsage(), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const { user, system } = process.cpuUsage(begin);
      const wallMs = performance.now() - since;
      console.log(JSON.stringify({ cpuMs: (user + system) / 1000, wallMs }));
      for (const each of [array, staged, c]) each[Symbol.dispose]();
      await gpu.dispose();`,
      { flags: ["--expose-gc"] },
    );
    expect(code, output).toBe(0);
    const { cpuMs, wallMs } = JSON.parse(output) as { cpuMs: number; wallMs: number };
    console.log(`An idle backend took ${cpuMs.toFixed(1)} ms of CPU time in ${wallMs.toFixed(0)} ms.`);
    expect(cpuMs / wallMs).toBeLessThan(mostOfOneCpu);
  });
});
