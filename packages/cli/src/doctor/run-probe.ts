import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { GpuProbe } from "../probe-gpu.js";

export interface ProbeEnd extends GpuProbe {
  /** What drivers wrote to standard error. */
  readonly noise: string;
}

/** However slow a machine is, a driver that has not answered after this long does not. */
const longestMs = 60_000;

/** Runs the probe beside the built command. It never rejects: a crash is a problem that it reports. */
export function runProbe(kind: "gpus" | "software", folder: string): Promise<ProbeEnd> {
  const script = fileURLToPath(new URL("./probe-gpu.js", import.meta.url));
  const child = spawn(process.execPath, [script, kind, folder], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: longestMs,
    killSignal: "SIGKILL",
  });
  let [text, noise] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    noise += chunk;
  });
  return new Promise((resolve) => {
    const fail = (problem: string) => resolve({ devices: [], problems: [problem], noise });
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => {
      try {
        resolve({ ...(JSON.parse(text) as GpuProbe), noise });
      } catch {
        fail(`the process that looked for it ended with ${signal ?? `code ${code}`}`);
      }
    });
  });
}
