import assert from "node:assert/strict";
import { bufferUsage } from "@kiln-gpu/webgpu";
import fc from "fast-check";
import { it } from "vitest";
import { BufferPool } from "./buffer-pool.js";
import { FakeDevice, type Fault, settle, watch } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";
import type { BufferRequest, PooledBuffer } from "./pooled-buffer.js";
import { sizeClassOf } from "./size-class.js";
import { downloadUsage, uploadUsage } from "./staging-usage.js";

const byteBudget = 4096;
const maxBufferSize = 1 << 20;

interface Asked {
  readonly bytes: number;
  readonly requests: readonly BufferRequest[];
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof watch<PooledBuffer[]>>;
  /** Whether the device created buffers for no other request at the same time. */
  isAlone: boolean;
  /** While its buffers were being created: the most bytes in use, and the least memory of the device. */
  mostBytes: number;
  leastMemoryBytes: number;
}

/** What the pool should contain, in plain lists. */
class Model {
  isDisposed = false;
  /** Whether the device may fail: it was told to, has too little memory, or is lost. */
  isFaulty = false;
  /** Whether it may fail even if it has memory. */
  isToldToFail = false;
  /** The requests without room, in order of arrival. */
  waits: Asked[] = [];
  /** The requests with room, before the device has said whether it created their missing buffers. */
  creating: Asked[] = [];
  held: (readonly PooledBuffer[])[] = [];
  released: PooledBuffer[] = [];
  lent = 0;

  get reservedBytes(): number {
    let bytes = 0;
    for (const asked of this.creating) bytes += asked.bytes;
    for (const buffers of this.held) for (const { byteLength } of buffers) bytes += byteLength;
    return bytes;
  }
}

class Real {
  readonly device = new FakeDevice({ maxBufferSize });
  readonly destroyed = new Set<number>();
  readonly pool = new BufferPool({
    device: this.device,
    byteBudget,
    onDestroy: ({ id }) => {
      assert(!this.destroyed.has(id));
      this.destroyed.add(id);
    },
  });

  constructor() {
    this.device.holdsAnswers = true;
  }
}

type Command = fc.AsyncCommand<Model, Real>;

const codeOf = (error: unknown) => (error as { code?: string } | undefined)?.code;
const sizeOf = (byteLength: number) => sizeClassOf(byteLength, maxBufferSize)!;

/** Moves every request to the state that it must have now, then compares everything. */
async function check(model: Model, { pool, device, destroyed }: Real): Promise<void> {
  await settle();
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    for (const asked of model.creating) {
      asked.isAlone &&= model.creating.length === 1;
      asked.mostBytes = Math.max(asked.mostBytes, model.reservedBytes);
      asked.leastMemoryBytes = Math.min(asked.leastMemoryBytes, device.memoryBytes);
    }
    for (const asked of model.creating.slice()) {
      if (!asked.outcome.isSettled) continue;
      model.creating.splice(model.creating.indexOf(asked), 1);
      hasMoved = true;
      end(model, asked);
    }
    while (model.waits[0] && model.reservedBytes + model.waits[0].bytes <= byteBudget) {
      model.creating.push(model.waits.shift()!);
      hasMoved = true;
    }
  }
  for (const { outcome } of model.waits) assert(!outcome.isSettled);
  if (!device.isAsked) assert.deepEqual(model.creating, []);
  const stats = pool.stats();
  assert.deepEqual([stats.inUseBytes, stats.waiting], [model.reservedBytes, model.waits.length]);
  assert.equal(stats.bytes, stats.inUseBytes + stats.idleBytes);
  assert(device.highWaterBytes <= byteBudget && stats.highWaterBytes <= byteBudget);
  assert.equal(device.openScopes, 0);
  if (model.isDisposed) assert.equal(stats.idleBytes, 0);
  for (const buffers of model.held) for (const { id } of buffers) assert(!destroyed.has(id));
  if (model.creating.length > 0) return;
  assert.equal(stats.inUse, model.held.flat().length);
  assert.equal(stats.made + stats.reused, model.lent);
  assert.deepEqual([stats.live, stats.bytes], [device.live, device.liveBytes]);
  assert.equal(stats.made - stats.live, destroyed.size);
}

/** Ends a request that had room, with its buffers or an error. */
function end(model: Model, asked: Asked): void {
  const { outcome, controller, requests } = asked;
  const isUnwanted = model.isDisposed || controller.signal.aborted;
  if (outcome.value) {
    assert(!isUnwanted);
    hold(model, requests, outcome.value);
    return;
  }
  const code = codeOf(outcome.error);
  if (isUnwanted && code === (model.isDisposed ? "disposed" : "aborted")) {
    // The pool lent them before it saw that the request is over.
    model.lent += requests.length;
    return;
  }
  assert(model.isFaulty, String(outcome.error));
  // Idle buffers make room first, so what fits beside those in use is created.
  if (code === "out-of-memory" && asked.isAlone && !model.isToldToFail)
    assert(asked.mostBytes > asked.leastMemoryBytes);
  if (code !== "out-of-memory" && code !== "device-lost")
    assert.match(String(outcome.error), /called wrongly|not valid/);
}

function hold(model: Model, requests: readonly BufferRequest[], buffers: readonly PooledBuffer[]): void {
  const heldIds = new Set(model.held.flat().map(({ id }) => id));
  assert.equal(buffers.length, requests.length);
  for (const [i, { id, byteLength, usage, buffer }] of buffers.entries()) {
    assert.deepEqual([byteLength, usage], [sizeOf(requests[i]!.byteLength), requests[i]!.usage]);
    assert.equal(buffer.mapState, usage === uploadUsage ? "mapped" : "unmapped");
    assert(!heldIds.has(id));
    heldIds.add(id);
  }
  model.held.push(buffers);
  model.released = model.released.filter((buffer) => !buffers.includes(buffer));
  model.lent += buffers.length;
}

const always = () => true;

const acquire = (requests: BufferRequest[]): Command => ({
  check: always,
  toString: () => `acquire(${JSON.stringify(requests)})`,
  async run(model, real) {
    const controller = new AbortController();
    const outcome = watch(real.pool.acquireAll(requests, { signal: controller.signal }));
    const bytes = requests.reduce((sum, { byteLength }) => sum + sizeOf(byteLength), 0);
    if (bytes > byteBudget || model.isDisposed) {
      await settle();
      assert.equal(codeOf(outcome.error), bytes > byteBudget ? "limit-exceeded" : "disposed");
    } else {
      const { memoryBytes } = real.device;
      const yet = { isAlone: true, mostBytes: 0, leastMemoryBytes: memoryBytes };
      model.waits.push({ bytes, requests, controller, outcome, ...yet });
    }
    await check(model, real);
  },
});

const tryAcquire = (requests: BufferRequest[]): Command => ({
  check: always,
  toString: () => `tryAcquire(${JSON.stringify(requests)})`,
  async run(model, real) {
    const made = real.device.created;
    const buffers = real.pool.tryAcquireAll(requests);
    assert.equal(real.device.created, made);
    if (model.isDisposed || model.waits.length > 0) assert.equal(buffers, undefined);
    if (buffers) hold(model, requests, buffers);
    await check(model, real);
  },
});

const giveBack = (pick: number, how: "release" | "discard" | "remap"): Command => ({
  check: ({ held }) => held.length > 0,
  toString: () => `${how}(${pick})`,
  async run(model, real) {
    const [buffers] = model.held.splice(pick % model.held.length, 1) as [readonly PooledBuffer[]];
    if (how === "remap") {
      for (const { buffer, usage } of buffers) {
        if (usage === uploadUsage) buffer.unmap();
        // Not awaited: if the map is still pending when the buffer is released, it ends with the buffer.
        if (usage === downloadUsage) buffer.mapAsync(1).catch(() => undefined);
      }
    }
    if (how === "discard") for (const buffer of buffers) real.pool.discard(buffer);
    else real.pool.releaseAll(buffers);
    model.released.push(...buffers);
    await check(model, real);
  },
});

const releaseTwice = (pick: number): Command => ({
  check: ({ released }) => released.length > 0,
  toString: () => `releaseTwice(${pick})`,
  async run(model, real) {
    const buffer = model.released[pick % model.released.length]!;
    // A request whose other buffers are still being created may have it.
    if (model.creating.length === 0) assert.throws(() => real.pool.release(buffer), /not in use/);
    await check(model, real);
  },
});

const abort = (pick: number): Command => ({
  check: ({ waits, creating }) => waits.length + creating.length > 0,
  toString: () => `abort(${pick})`,
  async run(model, real) {
    const asked = [...model.waits, ...model.creating];
    const picked = asked[pick % asked.length]!;
    picked.controller.abort();
    const at = model.waits.indexOf(picked);
    if (at >= 0) {
      model.waits.splice(at, 1);
      await settle();
      assert.equal(codeOf(picked.outcome.error), "aborted");
    }
    await check(model, real);
  },
});

const trim = (bytes: number): Command => ({
  check: always,
  toString: () => `trim(${bytes})`,
  async run(model, real) {
    real.pool.trim(bytes);
    assert(real.pool.stats().idleBytes <= bytes);
    await check(model, real);
  },
});

const answer = (): Command => ({
  check: always,
  toString: () => "answer",
  async run(model, real) {
    real.device.answer();
    await check(model, real);
  },
});

const dispose = (): Command => ({
  check: always,
  toString: () => "dispose",
  async run(model, real) {
    real.pool.dispose();
    await settle();
    for (const { outcome } of model.waits) assert.equal(codeOf(outcome.error), "disposed");
    model.waits = [];
    model.isDisposed = true;
    await check(model, real);
  },
});

const lose = (): Command => ({
  check: always,
  toString: () => "lose",
  async run(model, real) {
    model.isFaulty = true;
    real.device.lose();
    await check(model, real);
  },
});

const fail = (faults: readonly (Fault | undefined)[]): Command => ({
  check: always,
  toString: () => `fail(${faults})`,
  async run(model, { device }) {
    model.isFaulty = true;
    model.isToldToFail = true;
    device.faults.push(...faults);
  },
});

const setMemory = (memoryBytes: number): Command => ({
  check: always,
  toString: () => `setMemory(${memoryBytes})`,
  async run(model, { device }) {
    model.isFaulty = true;
    device.memoryBytes = memoryBytes;
  },
});

const requests = fc.array(
  fc.record({
    byteLength: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 4500 })),
    usage: fc.constantFrom<number>(bufferUsage.storage, downloadUsage, uploadUsage),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Releases until nothing waits, then disposes: every request must be served, and nothing may be left. */
async function finish(model: Model, real: Real): Promise<void> {
  real.device.holdsAnswers = false;
  // From here on the model does not see which requests overlap.
  model.isToldToFail = true;
  await answer().run(model, real);
  while (model.held.length > 0) await giveBack(0, "release").run(model, real);
  assert.deepEqual([model.waits, model.creating], [[], []]);
  await dispose().run(model, real);
  const { live, bytes, inUse, waiting } = real.pool.stats();
  assert.deepEqual([live, bytes, inUse, waiting, real.device.live], [0, 0, 0, 0, 0]);
}

const pick = fc.nat({ max: 20 });
const usual: fc.Arbitrary<Command>[] = [
  requests.map(acquire),
  requests.map(acquire),
  requests.map(tryAcquire),
  fc.constant(0).map(answer),
  fc.constant(0).map(answer),
  pick.map((of) => giveBack(of, "release")),
  pick.map((of) => giveBack(of, "release")),
  fc.tuple(pick, fc.constantFrom("discard" as const, "remap" as const)).map(([of, how]) => giveBack(of, how)),
  pick.map(releaseTwice),
  pick.map(abort),
  fc.integer({ min: 0, max: byteBudget }).map(trim),
];
const faults = fc.array(
  fc.constantFrom<Fault | undefined>(undefined, "out-of-memory", "range-error", "validation", "type-error"),
  { minLength: 1, maxLength: 3 },
);
const failing: fc.Arbitrary<Command>[] = [faults.map(fail), fc.integer({ min: 0, max: 2 * byteBudget }).map(setMemory)];
/** Rare, because they leave little to test after them. */
const ending = fc.nat({ max: 7 }).map((n) => (n === 0 ? dispose() : n === 1 ? lose() : answer()));

it.each([
  ["in any order of calls", [...usual, fc.nat({ max: 7 }).map((n) => (n === 0 ? dispose() : answer()))]],
  ["also when the device fails, runs out of memory or is lost", [...usual, ...failing, ending]],
])(
  "serves in order, within the budget, and loses nothing, %s",
  async (how, kinds) => {
    await playModel(`the buffer pool, ${how}`, kinds, () => ({ model: new Model(), real: new Real() }), finish);
  },
  modelTimeoutMs,
);
