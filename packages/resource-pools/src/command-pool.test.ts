import { describe, expect, it } from "vitest";
import { CommandPool } from "./command-pool.js";
import { settle, watch } from "./fake-device.test-support.js";

function setup(maxSlots?: number) {
  const destroyed: string[] = [];
  const pool = new CommandPool({
    ...(maxSlots === undefined ? {} : { maxSlots }),
    create: (index) => `contents ${index}`,
    destroy: (contents) => destroyed.push(contents),
  });
  return { pool, destroyed };
}

describe("CommandPool", () => {
  it("makes slots when they are needed, three by default, and then lends the last released", () => {
    const { pool } = setup();
    const a = pool.tryAcquire()!;
    pool.release(a);
    expect(pool.tryAcquire()).toBe(a);
    const b = pool.tryAcquire()!;
    const c = pool.tryAcquire()!;
    expect([a, b, c].map(({ index, contents }) => [index, contents])).toEqual([
      [0, "contents 0"],
      [1, "contents 1"],
      [2, "contents 2"],
    ]);
    expect(pool.tryAcquire()).toBeUndefined();
    pool.release(a);
    pool.release(b);
    expect(pool.tryAcquire()).toBe(b);
    expect(pool.stats()).toEqual({ made: 3, reused: 2, live: 3, inUse: 2, waiting: 0 });
  });

  it("serves who waits in order, before anyone who tries", async () => {
    const { pool } = setup(1);
    const slot = await pool.acquire();
    const first = watch(pool.acquire());
    const second = watch(pool.acquire());
    pool.release(slot);
    expect(pool.tryAcquire()).toBeUndefined();
    await settle();
    expect([first.value, second.isSettled]).toEqual([slot, false]);
    pool.release(slot);
    await settle();
    expect(second.value).toBe(slot);
  });

  it("ends a wait that is aborted", async () => {
    const { pool } = setup(1);
    await pool.acquire();
    const controller = new AbortController();
    const waiting = watch(pool.acquire({ signal: controller.signal }));
    controller.abort("why");
    await settle();
    expect(waiting.error).toMatchObject({ code: "aborted", cause: "why" });
  });

  it("rejects a second release, and a slot of another pool", () => {
    const [one, other] = [setup().pool, setup().pool];
    const slot = one.tryAcquire()!;
    expect(() => other.release(slot)).toThrow(/not in use/);
    one.release(slot);
    expect(() => one.release(slot)).toThrow(/not in use/);
  });

  it("holds nothing where nothing is to be made", () => {
    expect(new CommandPool().tryAcquire()).toEqual({ index: 0, contents: undefined });
  });

  it("keeps no slot whose contents could not be made", async () => {
    let isBroken = true;
    const pool = new CommandPool({
      maxSlots: 1,
      create: () => {
        if (isBroken) throw new Error("broken");
        return "made";
      },
    });
    await expect(pool.acquire()).rejects.toThrow("broken");
    isBroken = false;
    expect(await pool.acquire()).toEqual({ index: 0, contents: "made" });
  });

  it("tells when it is idle: at once, or when the last slot comes back and nobody takes it", async () => {
    const { pool } = setup(1);
    await pool.idle();
    const slot = await pool.acquire();
    const waiting = watch(pool.acquire());
    const idle = watch(pool.idle());
    pool.release(slot);
    await settle();
    expect([waiting.isSettled, idle.isSettled]).toEqual([true, false]);
    pool.release(slot);
    await settle();
    expect(idle.isSettled).toBe(true);
  });

  it("is not idle when a slot is taken again at once", async () => {
    const { pool } = setup();
    const slot = pool.tryAcquire()!;
    const idle = watch(pool.idle());
    pool.release(slot);
    pool.tryAcquire();
    await settle();
    expect(idle.isSettled).toBe(false);
    pool.release(slot);
    await settle();
    expect(idle.isSettled).toBe(true);
  });

  it("on `dispose` rejects who waits, destroys free slots, and the others when they come back", async () => {
    const { pool, destroyed } = setup(2);
    const [a, b] = [pool.tryAcquire()!, pool.tryAcquire()!];
    const waiting = watch(pool.acquire());
    pool.dispose();
    await settle();
    expect(waiting.error).toMatchObject({ code: "disposed" });
    expect(destroyed).toEqual([]);
    pool.release(b);
    pool.release(a);
    pool.dispose();
    expect(destroyed).toEqual(["contents 1", "contents 0"]);
    await pool.idle();
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.stats()).toMatchObject({ live: 0, inUse: 0 });
  });

  it("on `dispose` destroys a free slot once", () => {
    const { pool, destroyed } = setup();
    pool.release(pool.tryAcquire()!);
    pool.dispose();
    pool.dispose();
    expect(destroyed).toEqual(["contents 0"]);
  });
});
