import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface ScriptEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the script gave to `report`, apart from all that is printed. */
  readonly reported: unknown;
}

const prelude = `
  import { writeSync } from "node:fs";
  import { openDevice } from "@kiln-gpu/webgpu";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  const report = (value) => writeSync(3, JSON.stringify(value));
`;

/** Where a machine's Vulkan is found; a script sees what its test gives it, and not what this process was given. */
const noVulkan = { LD_LIBRARY_PATH: undefined, XDG_DATA_DIRS: undefined };

/** Runs `code` as a module in a Node process of its own, with the built packages and `report(value)` at hand. */
export function runScript(code: string, env: Readonly<Record<string, string | undefined>> = {}): Promise<ScriptEnd> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", prelude + code], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, ...noVulkan, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [stdout, stderr, reported] = [1, 2, 3].map((i) => {
    const chunks: Buffer[] = [];
    child.stdio[i as 1 | 2 | 3]!.on("data", (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  }) as [() => string, () => string, () => string];
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      const json = reported();
      resolve({ status, stdout: stdout(), stderr: stderr(), reported: json === "" ? undefined : JSON.parse(json) });
    });
  });
}
