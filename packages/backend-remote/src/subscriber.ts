import type { Redis } from "ioredis";
import { connect, type QueueAddress } from "./queue-address.js";

/** A connection that hears channels, also after it was opened again. */
export class Subscriber {
  readonly #redis: Redis;
  readonly #channels = new Set<string>();
  #isReady = false;

  constructor(address: QueueAddress, onMessage: (message: Buffer) => void) {
    // ioredis would subscribe again by itself. If it is closed meanwhile, its rejection would be unhandled.
    this.#redis = connect(address, { autoResubscribe: false });
    this.#redis.on("messageBuffer", (_, message) => onMessage(message));
    this.#redis.on("ready", () => {
      this.#isReady = true;
      if (this.#channels.size > 0) this.#redis.subscribe(...this.#channels).catch(() => undefined);
    });
  }

  /** Resolves when the channel is heard. */
  async add(channel: string): Promise<void> {
    this.#channels.add(channel);
    await this.#redis.subscribe(channel);
  }

  delete(channel: string): void {
    if (this.#channels.delete(channel)) this.#redis.unsubscribe(channel).catch(() => undefined);
  }

  /** Opens the connection again, unless that is under way. */
  reconnect(): void {
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#redis.disconnect(true);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
