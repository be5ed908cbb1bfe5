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
    expect(pool.stats()).toEqual({ made: 3, reused: 2, live: 3, inUse: 2 });
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

  it("keeps no slot whose contents could not be made", () => {
    let isBroken = true;
    const pool = new CommandPool({
      maxSlots: 1,
      create: () => {
        if (isBroken) throw new Error("broken");
        return "made";
      },
    });
    expect(() => pool.tryAcquire()).toThrow("broken");
    isBroken = false;
    expect(pool.tryAcquire()).toEqual({ index: 0, contents: "made" });
  });

  it("is idle at once when nothing is in use, and otherwise when the last slot comes back", async () => {
    const { pool } = setup(2);
    await pool.idle();
    const [a, b] = [pool.tryAcquire()!, pool.tryAcquire()!];
    const idle = watch(pool.idle());
    pool.release(a);
    await settle();
    expect(idle.isSettled).toBe(false);
    pool.release(b);
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

  it("after `dispose` lends nothing, and destroys a slot in use when it comes back", async () => {
    const { pool, destroyed } = setup(3);
    const [a, b] = [pool.tryAcquire()!, pool.tryAcquire()!];
    pool.dispose();
    expect(pool.tryAcquire()).toBeUndefined();
    expect(destroyed).toEqual([]);
    pool.release(b);
    pool.release(a);
    pool.dispose();
    expect(destroyed).toEqual(["contents 1", "contents 0"]);
    await pool.idle();
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
