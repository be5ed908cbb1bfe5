import { type ChildProcess, spawn } from "node:child_process";

export { type Replacement, uuidOfSoftwareGpu, writeDriver, writeSoftwareGpus } from "./software-drivers.js";

/** Makes Node copy to descriptor 3 what the program itself writes to standard error. */
const preload = ["--import", new URL("./own-words.mjs", import.meta.url).href];

export interface NodeOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The process is killed after this long. */
  readonly timeoutMs?: number;
}

export interface NodeEnd {
  readonly status: number | null;
  /** The signal that ended the process: SIGTERM after the timeout, another one for a crash of native code. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /**
   * What the program itself writes to standard error, and Node's warnings; without drivers and the error that ends it.
   */
  readonly words: string;
  readonly stderr: string;
}

/** Receives output as it arrives. */
export type OnOutput = (stream: "stdout" | "stderr" | "words", text: string) => void;

/** Starts Node with `args`. */
export function startNode(args: readonly string[], options: NodeOptions, onOutput: OnOutput): ChildProcess {
  const { cwd, env = process.env, timeoutMs } = options;
  const child = spawn(process.execPath, [...preload, ...args], {
    cwd,
    env,
    timeout: timeoutMs,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  for (const [at, name] of [undefined, "stdout", "stderr", "words"].entries()) {
    child.stdio[at]?.on("data", (chunk: Buffer) => onOutput(name as Parameters<OnOutput>[0], chunk.toString()));
  }
  return child;
}

/** Runs Node with `args` until it ends. */
export function runNode(args: readonly string[], options: NodeOptions = {}): Promise<NodeEnd> {
  const said = { stdout: "", words: "", stderr: "" };
  const child = startNode(args, options, (stream, text) => {
    said[stream] += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, ...said }));
  });
}
