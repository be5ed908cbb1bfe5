import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly cwd: string;
  /** Beside this process's own variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface CommandEnd {
  readonly status: number | null;
  readonly stdout: string;
  /** Both streams, in the order in which they were written as far as that can be told. */
  readonly output: string;
}

/** Runs a program until it ends. */
export function runCommand(
  file: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 540_000 }: CommandOptions,
): Promise<CommandEnd> {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: timeoutMs,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
    output += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, output }));
  });
}

/**
 * Runs a program that must succeed.
 * @returns What it writes to standard output.
 */
export async function runWell(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { status, stdout, output } = await runCommand(file, args, options);
  if (status !== 0) throw new Error(`${file} ${args.join(" ")} ends with ${status}:\n${output}`);
  return stdout;
}
