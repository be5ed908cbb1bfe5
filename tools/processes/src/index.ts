import { type ChildProcess, spawn } from "node:child_process";

/** Arguments of Node's with which a process whose descriptor 3 is a pipe writes there what it says itself on standard error. */
const preload = ["--import", new URL("./own-words.mjs", import.meta.url).href];

export interface NodeOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** After so long it is killed. */
  readonly timeoutMs?: number;
}

export interface NodeEnd {
  readonly status: number | null;
  /** What has ended it: a hang ends by the timeout's, a crash of native code by its own. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Of `stderr`, what the program writes, and Node's warnings; without what drivers print, and without the error that ends it. */
  readonly words: string;
  readonly stderr: string;
}

/** Told of output as it comes. */
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

/** Runs Node with `args`, to its end. */
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
