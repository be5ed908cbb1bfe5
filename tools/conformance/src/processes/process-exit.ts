import { expectExit, runScript } from "@kiln-gpu/test-support/node";
import { describe, it } from "vitest";

/** What a script imports from a built package to open a backend. */
interface Opener {
  readonly package: string;
  readonly open: string;
}

/** Declares tests of how Node processes that use the backend end. */
export function describeProcessExit(opener: Opener): void {
  const prelude = `
    import { ${opener.open} as open } from "${opener.package}";
    import { runFieldAdd } from "@kiln-gpu/kernels";
    import { softwareGpu } from "@kiln-gpu/software-gpu";
    const openIt = () => open({ fallback: softwareGpu, software: true });
    const add = async (gpu) => {
      const c = await runFieldAdd(gpu, new Float32Array(100).fill(1), new Float32Array(100).fill(2));
      if (c.length !== 100 || c.some((value) => value !== 3)) throw new Error("The sum is wrong.");
    };
    process.on("exit", (code) => console.log("exit", code));
  `;

  const run = (body: string, flags: readonly string[] = []) =>
    runScript(prelude + body, { from: import.meta.dirname, flags });

  describe.concurrent("a process", () => {
    it("ends by itself after dispose, with nothing left to wait for", async () => {
      const body = `
        const gpu = await openIt();
        await add(gpu);
        await gpu.dispose();
        await new Promise((resolve) => setImmediate(resolve));
        // The pipe is this script's output.
        console.log(process.getActiveResourcesInfo().filter((resource) => resource !== "PipeWrap"));`;
      await expectExit(run(body), 0, "[]\nexit 0\n");
    });

    it("ends by itself after dispose during runs, however often dispose is called", async () => {
      const body = `
        const gpu = await openIt();
        const runs = [add(gpu), add(gpu), gpu.dispose(), gpu.dispose(), gpu[Symbol.asyncDispose]()];
        const late = add(gpu).catch(({ code }) => code);
        await Promise.all(runs);
        await gpu.dispose();
        console.log(await late);`;
      await expectExit(run(body), 0, "disposed\nexit 0\n");
    });

    it("ends by itself after a run with a deadline or a signal", async () => {
      const body = `
        const gpu = await openIt();
        const one = new Float32Array([1]);
        await runFieldAdd(gpu, one, one, { timeoutMs: 2 ** 31 - 1, signal: new AbortController().signal });
        await gpu.dispose();`;
      await expectExit(run(body), 0, "exit 0\n");
    });

    it("ends with the error that it throws, whatever is open", async () => {
      const body = `
        process.on("uncaughtException", ({ message }) => { console.log(message); process.exitCode = 5; });
        const gpu = await openIt();
        await add(gpu);
        void add(gpu);
        setTimeout(() => { throw new Error("a mistake"); }, 1);`;
      await expectExit(run(body), 5, "a mistake\nexit 5\n");
    });

    it("ends by itself without dispose", async () => {
      await expectExit(run("const gpu = await openIt(); await add(gpu); await add(gpu);"), 0, "exit 0\n");
    });

    it("ends with runs that nothing awaits", async () => {
      await expectExit(run("const gpu = await openIt(); void add(gpu); void add(gpu);"), 0, "exit 0\n");
    });

    it("ends at process.exit during a run", async () => {
      await expectExit(
        run("const gpu = await openIt(); void add(gpu); setTimeout(() => process.exit(3), 5);"),
        3,
        "exit 3\n",
      );
    });

    it("survives any garbage collection", async () => {
      const body = `
        const collect = async () => {
          for (let i = 0; i < 10; i += 1) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
        };
        const gpu = await openIt();
        await add(gpu);
        await collect();
        await add(gpu);
        await gpu.dispose();
        await collect();
        const second = await openIt();
        await collect();
        await add(second);
        await second.dispose();
        await collect();
        console.log("done");`;
      await expectExit(run(body, ["--expose-gc"]), 0, "done\nexit 0\n");
    });
  });
}
