/** Backends in worker threads, each test in its own process: a fault in a worker aborts the whole process. */

import { expectExit, runScript } from "@kiln-gpu/test-support/node";
import { describe, expect, it } from "vitest";

/** The imports of the main thread and of the workers. */
const prelude = `
  import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { runFieldAdd } from "@kiln-gpu/kernels";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { disposeOnStop, openDevice, stopWorker } from "@kiln-gpu/webgpu";
  const oneShot = { fallback: softwareGpu, software: true };
  const software = { ...oneShot, store: false };
  const add = async (gpu, n = 1000) => {
    const c = await runFieldAdd(gpu, new Float32Array(n).fill(1), new Float32Array(n).fill(2));
    return c.length === n && c.every((value) => value === 3) ? "right" : "wrong";
  };
`;

const inWorker = `
  import { parentPort } from "node:worker_threads";
  const say = (what) => parentPort.postMessage(what);
`;

const inMain = (worker: string) => `
  import { Worker } from "node:worker_threads";
  const start = () => {
    const worker = new Worker(${JSON.stringify(prelude + inWorker + worker)}, { eval: true });
    const said = [];
    worker.on("message", (what) => said.push(what));
    worker.on("error", ({ message }) => said.push("error: " + message));
    const heard = async (what) => {
      while (!said.includes(what)) await new Promise((resolve) => worker.once("message", resolve));
    };
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    return { worker, said, heard, ended };
  };
  process.on("exit", (code) => console.log("exit", code));
`;

const from = import.meta.dirname;
const run = (worker: string, main: string) => runScript(prelude + inMain(worker) + main, { from, timeoutMs: 200_000 });

/** Keeps three runs in flight until the worker is asked to end. */
const busy = (open: string) => `
  const opening = ${open}(${open === "openOneShotBackend" ? "oneShot" : "software"});
  const stop = disposeOnStop(parentPort, opening);
  const gpu = await opening;
  say(await add(gpu));
  let results = [];
  const work = async () => {
    while (!stop.aborted) {
      const result = await add(gpu).catch(({ code }) => code);
      if (!results.includes(result)) results.push(result);
      if (results.length === 1 && !stop.aborted) say("busy");
    }
  };
  await Promise.all([work(), work(), work()]);
  // Callers may still post the outcome of their runs.
  say(results);
`;

describe.concurrent("a worker thread", { timeout: 220_000 }, () => {
  it.each([
    ["openPersistentBackend", 10],
    ["openOneShotBackend", 3],
  ])(
    "with runs in flight ends by itself when it is stopped, two at once, again and again: %s",
    async (open, rounds) => {
      const exit = run(
        busy(open),
        `
      const ends = [];
      for (let i = 0; i < ${rounds}; i += 1) {
        const workers = [start(), start()];
        await Promise.all(workers.map(({ heard }) => heard("busy")));
        const codes = await Promise.all(workers.map(({ worker }) => stopWorker(worker)));
        ends.push(...codes.map((code, i) => code + " " + workers[i].said.at(-1)));
      }
      console.log(ends.length, [...new Set(ends)].join());`,
      );
      await expectExit(exit, 0, `${2 * rounds} 0 right\nexit 0\n`);
    },
  );

  it("that is stopped during its start ends as soon as it has started", async () => {
    const exit = run(
      `
      const opening = openPersistentBackend(software);
      const stop = disposeOnStop(parentPort, opening);
      await opening;
      say(stop.aborted);`,
      `
      const { worker, said } = start();
      console.log(await stopWorker(worker), await stopWorker(worker), said.join());`,
    );
    await expectExit(exit, 0, "0 undefined true\nexit 0\n");
  });

  it("ends with an error that nothing catches, after what runs", async () => {
    const exit = run(
      `
      const opening = openPersistentBackend(software);
      disposeOnStop(parentPort, opening);
      const gpu = await opening;
      await add(gpu);
      void Promise.all([add(gpu), add(gpu)]).then(say);
      setImmediate(() => { throw new Error("a mistake"); });`,
      `
      const { said, ended } = start();
      console.log(await ended, said.join());`,
    );
    await expectExit(exit, 0, "1 right,right,error: a mistake\nexit 0\n");
  });

  it("that called disposeOnStop for each of its backends ends with an error that nothing catches, after what runs", async () => {
    const exit = run(
      `
      const gpus = [];
      for (let i = 0; i < 12; i += 1) {
        const opening = openPersistentBackend(software);
        disposeOnStop(parentPort, opening);
        gpus.push(await opening);
      }
      await add(gpus[0]);
      void Promise.all([add(gpus[0]), add(gpus.at(-1))]).then(say);
      setImmediate(() => { throw new Error("a mistake"); });`,
      `
      const { said, ended } = start();
      console.log(await ended, said.join());`,
    );
    await expectExit(exit, 0, "1 right,right,error: a mistake\nexit 0\n");
  });

  it("that called disposeOnStop for each of its backends disposes all of them when it is stopped", async () => {
    const exit = run(
      `
      const works = [1, 2, 3].map(async () => {
        const opening = openPersistentBackend(software);
        const stop = disposeOnStop(parentPort, opening);
        const gpu = await opening;
        while (!stop.aborted) {
          await Promise.all([add(gpu), add(gpu)]);
          say("busy");
        }
        return (await add(gpu).catch(({ code }) => code));
      });
      say((await Promise.all(works)).join());`,
      `
      const { worker, said, heard } = start();
      await heard("busy");
      console.log(await stopWorker(worker), said.at(-1));`,
    );
    await expectExit(exit, 0, "0 disposed,disposed,disposed\nexit 0\n");
  });

  it("continues after an error that its own listener catches", async () => {
    const exit = run(
      `
      const opening = openPersistentBackend(software);
      disposeOnStop(parentPort, opening);
      const gpu = await opening;
      process.on("uncaughtException", async ({ message }) => say(message + " " + (await add(gpu))));
      setImmediate(() => { throw new Error("a mistake"); });`,
      `
      const { worker, said, heard } = start();
      await heard("a mistake right");
      console.log(await stopWorker(worker), said.join());`,
    );
    await expectExit(exit, 0, "0 a mistake right\nexit 0\n");
  });

  it("that ignores the stop ends when its next run is refused", async () => {
    const exit = run(
      `
      const opening = openPersistentBackend(software);
      disposeOnStop(parentPort, opening);
      const gpu = await opening;
      for (;;) say((await Promise.all([add(gpu), add(gpu), add(gpu)]))[0]);`,
      `
      const { worker, said, heard } = start();
      await heard("right");
      console.log(await stopWorker(worker), said.at(-1));`,
    );
    await expectExit(exit, 0, "1 error: The persistent backend is disposed; open another one.\nexit 0\n");
  });

  it("ends even if one of its backends could not open, and receives no stop message itself", async () => {
    const exit = run(
      `
      const failing = openPersistentBackend({ ...software, byteBudget: 0 });
      failing.catch(({ code }) => say(code));
      disposeOnStop(parentPort, openPersistentBackend(software), failing, openOneShotBackend(oneShot));
      parentPort.on("message", say);`,
      `
      const { worker, said, heard } = start();
      worker.postMessage("a job");
      await heard("a job");
      console.log(await stopWorker(worker), said.join());`,
    );
    await expectExit(exit, 0, "0 invalid-option,a job\nexit 0\n");
  });

  it("whose device was lost and replaced ends by itself when it is stopped", async () => {
    const exit = run(
      `
      const devices = [];
      const device = async () => {
        const open = await openDevice(oneShot);
        devices.push(open.device);
        return open.device;
      };
      const opening = openPersistentBackend({ device, store: false });
      disposeOnStop(parentPort, opening);
      const gpu = await opening;
      say(await add(gpu));
      const runs = [add(gpu), add(gpu)];
      devices.at(-1).destroy();
      say((await Promise.all(runs)).join());
      void add(gpu);
      devices.at(-1).destroy();
      say("lost again");`,
      `
      const { worker, said, heard } = start();
      await heard("lost again");
      console.log(await stopWorker(worker), said.join());`,
    );
    await expectExit(exit, 0, "0 right,right,right,lost again\nexit 0\n");
  });

  it("that does not understand the stop message is left running after the timeout", async () => {
    const exit = run(
      `
      parentPort.on("message", (what) => { if (what === "end") parentPort.unref(); });
      say("here");`,
      `
      const { worker, heard, ended } = start();
      await heard("here");
      console.log(await stopWorker(worker, { timeoutMs: 100 }).catch(({ code, message }) => code + ": " + message));
      worker.postMessage("end");
      console.log(await ended, await stopWorker(worker, { timeoutMs: 0 }).catch(({ code }) => code));`,
    );
    const expected = "timeout: The worker has not ended within 100 ms of being asked to.\n0 invalid-option\nexit 0\n";
    await expectExit(exit, 0, expected);
  });

  it("opens the software GPU alongside other workers and leaves the environment unchanged", async () => {
    const exit = run(
      `
      const gpu = await openPersistentBackend(software);
      say(await add(gpu));
      await gpu.dispose();`,
      `
      const before = JSON.stringify(process.env);
      for (let i = 0; i < 5; i += 1) {
        const gpu = openPersistentBackend(software);
        const workers = Array.from({ length: 5 }, start);
        await Promise.all(workers.map(({ ended }) => ended));
        const said = workers.map(({ said }) => said.join());
        if (said.some((what) => what !== "right")) console.log(said);
        if (await add(await gpu) !== "right") console.log("wrong");
        await (await gpu).dispose();
      }
      console.log(JSON.stringify(process.env) === before);`,
    );
    await expectExit(exit, 0, "true\nexit 0\n");
  });

  it("may be ended in any way while no work is in flight", async () => {
    const exit = run(
      `
      const gpu = await openPersistentBackend(software);
      await add(gpu);
      parentPort.on("message", (how) => { if (how === "exit") process.exit(3); else throw new Error("a mistake"); });
      say("idle");`,
      `
      const ends = [];
      for (const how of ["terminate", "exit", "throw"]) {
        const { worker, heard, ended } = start();
        await heard("idle");
        if (how === "terminate") worker.terminate();
        else worker.postMessage(how);
        ends.push(await ended);
      }
      console.log(ends.join());
      await start().heard("idle");
      process.exit(4);`,
    );
    await expectExit(exit, 4, "1,3,1\nexit 4\n");
  });
});

describe("several backends in one process", () => {
  it("work side by side while others are lost or disposed", async () => {
    const exit = run(
      busy("openPersistentBackend"),
      `
      const devices = [];
      const device = async () => {
        const open = await openDevice(oneShot);
        devices.push(open.device);
        return open.device;
      };
      const { worker, heard, said } = start();
      const kept = await Promise.all([1, 2, 3].map(() => openPersistentBackend(software)));
      const gpus = [...kept, await openOneShotBackend(oneShot), await openPersistentBackend({ device, store: false })];
      await heard("busy");
      const results = [];
      for (let i = 0; i < 3; i += 1) {
        const runs = gpus.flatMap((gpu) => [add(gpu, 100 + i), add(gpu, 5000)]);
        devices.at(-1).destroy();
        results.push(...(await Promise.all(runs)));
        await gpus.shift().dispose();
      }
      await Promise.all(gpus.map((gpu) => gpu.dispose()));
      console.log(results.length, [...new Set(results)].join(), await stopWorker(worker), said.at(-1).join());`,
    );
    await expectExit(exit, 0, "24 right 0 right\nexit 0\n");
  }, 220_000);
});

describe("disposeOnStop", () => {
  it("is refused on the main thread", async () => {
    const { code, output } = await runScript(
      `${prelude}
      import { parentPort } from "node:worker_threads";
      try { disposeOnStop(parentPort); } catch ({ code, message }) { console.log(code, message); }`,
      { from },
    );
    expect({ code, output }).toEqual({
      code: 0,
      output: "invalid-option disposeOnStop: the port must be the `parentPort` of a worker thread; got none.\n",
    });
  });
});
