import { ComputeError } from "@kiln-gpu/core";
import { Redis, type RedisOptions } from "ioredis";
import type { RedisSettings } from "./redis-settings.js";

/** What the types of `ioredis` let us pass on. */
type Connecting = Omit<RedisOptions, "replyMapping">;

/** A queue, and the Redis that holds it. */
export interface QueueAddress {
  readonly queue: string;
  /** What `ioredis` connects with. */
  readonly redis: Connecting;
  /** The address without its password, for messages. */
  readonly shown: string;
}

const defaultQueue = "kiln";

/**
 * Reads `redis://user:password@host:port/queue?db=0`, or `rediss:` for TLS.
 * @param redis More options of `ioredis`, such as `tls`; these win over the URL.
 * @throws {ComputeError} `invalid-option` if `url` is not such a URL.
 */
export function readAddress(subject: string, url: string, redis: RedisSettings = {}): QueueAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:")) {
    throw new ComputeError(
      "invalid-option",
      `${subject}: the URL must be like "redis://host:6379/queue", or "rediss:" for TLS; got "${url}".`,
    );
  }
  const queue = decodeURIComponent(parsed.pathname.slice(1)) || defaultQueue;
  if (!/^[\w.-]+$/.test(queue)) {
    throw new ComputeError(
      "invalid-option",
      `${subject}: the path of the URL names the queue, in letters, digits, "_", "-" and "."; got "${queue}".`,
    );
  }
  const db = parsed.searchParams.get("db") ?? "0";
  if (/^\d+$/.test(queue)) {
    throw new ComputeError(
      "invalid-option",
      `${subject}: the path of the URL names the queue; name a database as "?db=${queue}".`,
    );
  }
  if (!/^\d+$/.test(db)) {
    throw new ComputeError("invalid-option", `${subject}: "db" must be the number of a database; got "${db}".`);
  }
  const { hostname, port, username, password } = parsed;
  return {
    queue,
    redis: {
      host: hostname.replace(/^\[|\]$/g, "") || "127.0.0.1",
      port: port === "" ? 6379 : Number(port),
      db: Number(db),
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
      ...(parsed.protocol === "rediss:" ? { tls: {} } : {}),
      ...(redis as Connecting),
    },
    shown: `${parsed.protocol}//${parsed.host}/${queue}`,
  };
}

/** How long Redis may be silent while it owes an answer, before the connection counts as dead. */
const silentSocketMs = 15_000;
const longestRetryMs = 2000;

/** Opens a connection that is opened again, and whose commands wait, for as long as Redis is away. */
export function connect({ redis }: QueueAddress, options: Connecting = {}): Redis {
  const connection = new Redis({
    maxRetriesPerRequest: null,
    socketTimeout: silentSocketMs,
    retryStrategy: (times) => Math.min(2 ** Math.min(times, 10) * 25, longestRetryMs),
    ...redis,
    ...options,
  });
  // It is opened again after an error, and commands that fail for good reject.
  connection.on("error", () => undefined);
  return connection;
}

/** The keys beside BullMQ's own. All have one hash tag, so that a cluster keeps a queue in one place. */
export class QueueKeys {
  /** What BullMQ begins its keys with. */
  static readonly prefix = "{kiln}";
  /** Jobs are cancelled on this channel. */
  readonly cancel: string;
  /** The devices of the workers, by worker. */
  readonly workers: string;
  readonly #queue: string;

  constructor(queue: string) {
    this.#queue = queue;
    this.cancel = `{kiln}-cancel:${queue}`;
    this.workers = `{kiln}-workers:${queue}`;
  }

  job(id: string): string {
    return `{kiln}:${this.#queue}:${id}`;
  }

  input(id: string): string {
    return `{kiln}-input:${this.#queue}:${id}`;
  }

  result(id: string): string {
    return `{kiln}-result:${this.#queue}:${id}`;
  }

  /** How often a job has begun alone, without having ended. */
  begun(id: string): string {
    return `{kiln}-begun:${this.#queue}:${id}`;
  }

  program(hash: string): string {
    return `{kiln}-program:${this.#queue}:${hash}`;
  }

  /** The channel on which `receiver` gets its replies. */
  replies(receiver: string): string {
    return `{kiln}-replies:${this.#queue}:${receiver}`;
  }
}

const keyPrefix = "key-";

/** The id of the job with a caller's key, which is the same in every process. */
export function idOfKey(key: string): string {
  return `${keyPrefix}${encodeURIComponent(key)}`;
}

/** Whether a caller named the job, so that other processes may ask for it. */
export function isKeyed(id: string): boolean {
  return id.startsWith(keyPrefix);
}
