import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Program {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A `redis-server` on the PATH, or Debian's package unpacked below `.cache/redis`. */
function findProgram(): Program | undefined {
  const name = "redis-server";
  if (spawnSync(name, ["--version"]).status === 0) return { path: name, env: process.env };
  const folder = join(import.meta.dirname, "../../../.cache/redis/usr");
  const path = join(folder, "bin", name);
  if (!existsSync(path)) return undefined;
  const libraries = ["x86_64", "aarch64"].map((cpu) => join(folder, `lib/${cpu}-linux-gnu`));
  return { path, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") } };
}

const program = findProgram();

/** Whether tests can start a Redis. */
export const hasRedis = program !== undefined;

/** A Redis of a test's own on a loopback port, with an append-only file in a temporary folder. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /** @param options More arguments, for instance `["--maxmemory", "32mb"]`; they win over those of every test. */
  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "kiln-redis-"));
    const server = new RedisServer(await freePort(), folder, options);
    await server.start();
    return server;
  }

  /** The URL of a queue on it. */
  url(queue: string): string {
    return `redis://127.0.0.1:${this.port}/${queue}`;
  }

  /** Starts it, also after `kill`; resolves once it has read its append-only file and answers. */
  async start(): Promise<void> {
    const place = ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", this.#folder];
    const persistence = ["--appendonly", "yes", "--save", ""];
    const { path, env } = program!;
    const child = spawn(path, [...place, ...persistence, ...this.#options], { env, stdio: "ignore" });
    this.#process = child;
    // A test that times out does not dispose what it has opened.
    const killLate = () => child.kill("SIGKILL");
    process.once("exit", killLate);
    child.once("exit", () => process.removeListener("exit", killLate));
    while (!(await isAnswering(this.port))) {
      if (child.exitCode !== null) throw new Error(`redis-server exits with ${child.exitCode}.`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it with SIGKILL. */
  kill(): Promise<void> {
    return killed(this.#process!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Ends `child` with SIGKILL, and resolves when it has ended. */
function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => socket.write("PING\r\n"));
    socket.on("data", (data) => {
      // One that asks for a password is ready, too; one that reads its file is not.
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()));
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
