import { type ChildProcess, spawn } from "node:child_process";

/** A script in a Node process of its own, which plain Node resolves to the built packages. */
export class NodeScript {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals>;
  #output = "";

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = new Promise((resolve) => process.once("exit", (code, signal) => resolve(signal ?? code!)));
  }

  /** Starts `code`, and resolves when it has written `ready`. */
  static async start(code: string, env: Readonly<Record<string, string>>): Promise<NodeScript> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
      cwd: import.meta.dirname,
      env: { ...process.env, NODE_ENV: "production", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const script = new NodeScript(child);
    const isReady = new Promise<void>((resolve) =>
      child.stdout!.on("data", (chunk: Buffer) => {
        script.#output += chunk;
        if (script.#output.includes("ready")) resolve();
      }),
    );
    const end = await Promise.race([isReady, script.#ended]);
    if (end !== undefined) throw new Error(`The script ends with ${end} before it is ready.`);
    return script;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves with the exit code, or with the signal that ended the process. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.#process.kill(signal);
    return this.#ended;
  }

  get ended(): Promise<number | NodeJS.Signals> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
