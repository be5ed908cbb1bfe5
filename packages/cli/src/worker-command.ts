import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type MultiGpuComputeBackend, openMultiGpuBackend } from "@kiln-gpu/backend-multi-gpu";
import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { HttpOptions } from "@kiln-gpu/backend-remote";
import { ComputeError, type Manifest } from "@kiln-gpu/core";
import { type Command, type GivenOptions, parseOptions } from "./command.js";
import { describeGpu, deviceOptions, gpuOptions, gpuOptionsHelp } from "./open-gpu.js";
import { UsageError } from "./usage-error.js";

const help = `Usage: kiln worker --queue URL [options]

Serves a queue of kernels until it is told to end. It needs the package @kiln-gpu/backend-remote.

On SIGTERM or SIGINT it takes no more jobs, finishes those that it has, and exits; a second signal ends it at once.

Options:
  --queue URL       redis://user:password@host:6379/queue, or rediss: for TLS
                    (default: the variable KILN_QUEUE, which other users of the machine cannot see)
  --gpu NAME        the GPU with this UUID, PCI address or index, or "all"; nvidia-smi -L lists UUIDs
${gpuOptionsHelp}
  --concurrency N   how many jobs it has at a time (default: 64)
  --http ADDRESS    answers /health and /metrics at HOST:PORT, or at PORT of the loopback interface
  --store FOLDER    where large inputs and results are; clients must name the same folder
  --manifest FILE   compiles what the file lists before it takes jobs, and lists there what it has compiled
  --programs FILE   runs only the programs whose SHA-256 hashes the file lists, one a line
  --max-bytes N     refuses jobs with more bytes of inputs and results
  --max-ms N        ends a run after N milliseconds
  -h, --help        prints this help

Exits with 0 once it has finished its jobs, with 1 if it cannot serve, and with 2 if the command line has an error.`;

const kinds = {
  ...gpuOptions,
  gpu: "value",
  queue: "value",
  concurrency: "value",
  http: "value",
  store: "value",
  manifest: "value",
  programs: "value",
  "max-bytes": "value",
  "max-ms": "value",
} as const;

export const command: Command = {
  help,
  async run(args, { folder, output }) {
    const given = parseOptions(args, kinds);
    given.refusePaths();
    const queue = given.value("queue") ?? process.env.KILN_QUEUE;
    if (queue === undefined) throw new UsageError("--queue is missing; write --queue redis://host:6379/queue.");
    const { folderStore, serveQueue } = await findRemote(folder);
    const store = given.value("store");
    const options = {
      ...(given.value("concurrency") !== undefined && { concurrency: given.count("concurrency", 1) }),
      ...(given.value("max-bytes") !== undefined && { maxJobBytes: given.count("max-bytes", 1) }),
      ...(given.value("max-ms") !== undefined && { maxRunMs: given.count("max-ms", 1) }),
      ...(store !== undefined && { store: folderStore(resolve(folder, store)) }),
      ...httpOf(given),
      ...(await programsOf(given, folder)),
    };
    const gpu = await openBackend(given, folder);
    try {
      const manifest = given.value("manifest");
      const path = manifest === undefined ? undefined : resolve(folder, manifest);
      const compiled = path === undefined ? 0 : await warmUp(asWarming(gpu), path);
      const isOver = toldToEnd();
      const server = await serveQueue(queue, { backend: gpu, ...options });
      try {
        const lines = [
          "gpus" in gpu ? `On ${gpu.gpus.map(({ name }) => name).join(", ")}.` : describeGpu(gpu.device),
          ...(path === undefined ? [] : [`Compiled ${compiled} programs ahead.`]),
          ...(server.httpPort === undefined ? [] : [`Answers /health and /metrics at port ${server.httpPort}.`]),
          "Serving.",
        ];
        output.write(`${lines.join("\n")}\n`);
        await isOver;
        output.write("Finishing.\n");
      } finally {
        await server.close();
      }
      if (path !== undefined) await writeFile(path, JSON.stringify(asWarming(gpu).manifest()));
      output.write(`Served ${server.stats().ended} jobs.\n`);
      return 0;
    } finally {
      await gpu.dispose();
    }
  },
};

/** Resolves at the first signal; the second ends the process, as it does without us. */
function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.removeListener(signal, end);
      resolve();
    };
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
  });
}

const remoteName = "@kiln-gpu/backend-remote";

/** Looks in the project first, then beside this package, which does not depend on it: few users have a fleet. */
async function findRemote(folder: string): Promise<typeof import("@kiln-gpu/backend-remote")> {
  for (const from of [join(folder, "package.json"), fileURLToPath(import.meta.url)]) {
    let path: string;
    try {
      path = createRequire(from).resolve(remoteName);
    } catch {
      continue;
    }
    return import(pathToFileURL(path).href);
  }
  throw new ComputeError(
    "invalid-option",
    `kiln worker needs the package ${remoteName}, which is not installed here: npm install ${remoteName}`,
  );
}

async function openBackend(
  given: GivenOptions,
  folder: string,
): Promise<PersistentComputeBackend | MultiGpuComputeBackend> {
  const name = given.value("gpu");
  const options = await deviceOptions(given, folder);
  if (name !== "all") {
    const gpu = name !== undefined && /^\d+$/.test(name) ? Number(name) : name;
    return openPersistentBackend({ ...options, ...(gpu !== undefined && { gpu }) });
  }
  for (const other of ["adapter", "software", "manifest"]) {
    if (given.flag(other)) throw new UsageError(`--${other} does not go with --gpu all.`);
  }
  return openMultiGpuBackend({ ...(options.fallback && { fallback: options.fallback }) });
}

/** A backend of several GPUs takes no manifest, and the command line is refused before. */
function asWarming(gpu: PersistentComputeBackend | MultiGpuComputeBackend): PersistentComputeBackend {
  if ("warmUp" in gpu) return gpu;
  throw new Error("Unreachable: a manifest with several GPUs.");
}

function httpOf(given: GivenOptions): { readonly http?: HttpOptions } {
  const text = given.value("http");
  if (text === undefined) return {};
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new UsageError(`--http must be a port, or a host and a port such as 0.0.0.0:9090; got "${text}".`);
  }
  return { http: { port: Number(port), ...(host !== undefined && { host: host.replace(/^\[|\]$/g, "") }) } };
}

async function programsOf(given: GivenOptions, folder: string): Promise<{ readonly allowedPrograms?: string[] }> {
  const path = given.value("programs");
  if (path === undefined) return {};
  const lines = (await readText("--programs", resolve(folder, path))).split("\n").map((line) => line.trim());
  const hashes = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const wrong = hashes.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (wrong !== undefined) {
    throw new UsageError(`${path} must list SHA-256 hashes of 64 hexadecimal digits, one a line; got "${wrong}".`);
  }
  return { allowedPrograms: hashes };
}

/** @returns How many programs are compiled now. The first worker finds no file. */
async function warmUp(gpu: PersistentComputeBackend, path: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw new UsageError(`--manifest: ${(error as Error).message}`, { cause: error });
  }
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`--manifest must name a manifest that a worker wrote; ${path} is not JSON.`, { cause });
  }
  return (await gpu.warmUp(manifest)).compiled;
}

async function readText(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${option}: ${(cause as Error).message}`, { cause });
  }
}
