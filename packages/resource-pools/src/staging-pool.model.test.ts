import assert from "node:assert/strict";
import fc from "fast-check";
import { it } from "vitest";
import { BufferPool } from "./buffer-pool.js";
import { FakeDevice, settle, watch } from "./fake-device.test-support.js";
import { modelTimeoutMs, playModel } from "./model-runs.test-support.js";
import type { PooledBuffer } from "./pooled-buffer.js";
import { StagingPool } from "./staging-pool.js";
import { downloadUsage, uploadUsage } from "./staging-usage.js";

const byteLength = 256;
const maxBuffers = 4;

interface Mapping {
  readonly buffers: readonly PooledBuffer[];
  readonly outcome: ReturnType<typeof watch<unknown>>;
}

class Model {
  isDisposed = false;
  isLost = false;
  mapsEnded = false;
  /** Acquired, and mapped. */
  uploads: PooledBuffer[] = [];
  /** Acquired, not mapped, and in no `mappings`. */
  downloads: PooledBuffer[] = [];
  /** Being recycled. */
  recycling: PooledBuffer[] = [];
  /** Downloads that are mapped or being mapped. */
  mappings: Mapping[] = [];
  /** Maps that were unmapped, perhaps while they were pending. */
  ended: Mapping[] = [];
  settled: { readonly isSettled: boolean }[] = [];

  get inUse(): number {
    const mapping = this.mappings.flatMap(({ buffers }) => buffers);
    return this.uploads.length + this.downloads.length + this.recycling.length + mapping.length;
  }
}

class Real {
  readonly device = new FakeDevice();
  readonly buffers = new BufferPool({ device: this.device, byteBudget: maxBuffers * byteLength });
  readonly staging = new StagingPool(this.buffers);
}

type Command = fc.AsyncCommand<Model, Real>;

async function check(model: Model, { device, buffers }: Real): Promise<void> {
  await settle();
  for (const watched of model.settled) assert.equal(watched.isSettled, model.recycling.length === 0);
  if (model.recycling.length === 0) model.settled = [];
  const { inUse, live, waiting } = buffers.stats();
  assert.deepEqual([inUse, live, waiting], [model.inUse, device.live, 0]);
  assert(live <= maxBuffers);
  if (model.isDisposed) assert.equal(live, inUse);
  for (const { buffer } of model.uploads) assert.equal(buffer.mapState, "mapped");
  for (const { buffer } of model.downloads) assert.equal(buffer.mapState, "unmapped");
}

const always = () => true;

/** Acquires one buffer, if there is room for it. */
const acquire = (usage: number): Command => ({
  check: ({ inUse, isDisposed, isLost }) => inUse < maxBuffers && !isDisposed && !isLost,
  toString: () => `acquire(${usage === uploadUsage ? "upload" : "download"})`,
  async run(model, real) {
    const buffer = await real.buffers.acquire({ byteLength, usage });
    (usage === uploadUsage ? model.uploads : model.downloads).push(buffer);
    await check(model, real);
  },
});

const recycle = (pick: number): Command => ({
  check: ({ uploads }) => uploads.length > 0,
  toString: () => `recycle(${pick})`,
  async run(model, real) {
    const [buffer] = model.uploads.splice(pick % model.uploads.length, 1) as [PooledBuffer];
    buffer.buffer.unmap();
    real.staging.recycleUpload(buffer);
    // After `endMaps` the buffer is destroyed at once.
    assert.throws(() => real.staging.recycleUpload(buffer), model.mapsEnded ? /not in use/ : /recycled already/);
    // The map of a lost device fails at once, and the buffer is destroyed.
    if (!model.isLost && !model.mapsEnded) model.recycling.push(buffer);
    await check(model, real);
  },
});

const map = (count: number): Command => ({
  check: ({ downloads }) => downloads.length >= count,
  toString: () => `map(${count})`,
  async run(model, real) {
    const buffers = model.downloads.splice(0, count);
    const byteLengths = buffers.map((_, i) => 4 + 4 * i);
    const mapping = { buffers, outcome: watch(real.staging.map(buffers, byteLengths)) };
    model.mappings.push(mapping);
    await settle();
    assert.equal(mapping.outcome.isSettled, model.isLost);
    await check(model, real);
  },
});

const unmap = (pick: number): Command => ({
  check: ({ mappings }) => mappings.length > 0,
  toString: () => `unmap(${pick})`,
  async run(model, real) {
    const [mapping] = model.mappings.splice(pick % model.mappings.length, 1) as [Mapping];
    const { buffers, outcome } = mapping;
    if (outcome.isSettled && outcome.error === undefined) {
      const byteLengths = buffers.map((_, i) => 4 + 4 * i);
      const memory = real.staging.mapped(buffers, byteLengths);
      assert.deepEqual(
        memory.map((range) => range.byteLength),
        byteLengths,
      );
    }
    real.staging.unmap(buffers);
    model.downloads.push(...buffers);
    model.ended.push(mapping);
    await check(model, real);
  },
});

/** Releases a download, or an unused upload; with `isMapped`, downloads that were not unmapped. */
const release = (pick: number, isMapped: boolean): Command => ({
  check: ({ uploads, downloads, mappings }) => (isMapped ? mappings.length : uploads.length + downloads.length) > 0,
  toString: () => `release(${pick}, ${isMapped})`,
  async run(model, real) {
    if (isMapped) {
      const [mapping] = model.mappings.splice(pick % model.mappings.length, 1) as [Mapping];
      real.buffers.releaseAll(mapping.buffers);
      model.ended.push(mapping);
    } else {
      const of = pick % 2 === 0 && model.uploads.length > 0 ? model.uploads : model.downloads;
      const [buffer] = (of.length > 0 ? of : model.uploads).splice(0, 1) as [PooledBuffer];
      real.buffers.release(buffer);
      assert.throws(() => real.buffers.release(buffer), /not in use/);
    }
    await check(model, real);
  },
});

const finishWork = (): Command => ({
  check: always,
  toString: () => "finishWork",
  async run(model, real) {
    real.device.finishWork();
    model.recycling = [];
    await settle();
    for (const { outcome } of model.mappings) assert(outcome.isSettled);
    for (const { outcome } of model.ended) assert(outcome.isSettled);
    model.ended = [];
    await check(model, real);
  },
});

/** Pending maps end as if the device had refused them. */
const endMaps = (): Command => ({
  check: always,
  toString: () => "endMaps",
  async run(model, real) {
    real.staging.endMaps();
    model.mapsEnded = true;
    // The fake device reports that with its next answer.
    await finishWork().run(model, real);
    for (const { buffers } of model.mappings) {
      for (const { buffer } of buffers) assert.notEqual(buffer.mapState, "pending");
    }
  },
});

const settled = (): Command => ({
  check: always,
  toString: () => "settled",
  async run(model, real) {
    model.settled.push(watch(real.staging.settled()));
    await check(model, real);
  },
});

const trim = (): Command => ({
  check: always,
  toString: () => "trim",
  async run(model, real) {
    real.buffers.trim();
    assert.equal(real.buffers.stats().live, model.inUse);
    await check(model, real);
  },
});

const lose = (): Command => ({
  check: always,
  toString: () => "lose",
  async run(model, real) {
    real.device.lose();
    model.isLost = true;
    model.recycling = [];
    await check(model, real);
  },
});

const dispose = (): Command => ({
  check: always,
  toString: () => "dispose",
  async run(model, real) {
    real.buffers.dispose();
    model.isDisposed = true;
    await check(model, real);
  },
});

it(
  "gives back what was mapped again, unmaps what was read, and loses nothing, in any order of calls",
  async () => {
    const pick = fc.nat({ max: 20 });
    const kinds: fc.Arbitrary<Command>[] = [
      fc.constantFrom(uploadUsage, downloadUsage).map(acquire),
      fc.constantFrom(uploadUsage, downloadUsage).map(acquire),
      pick.map(recycle),
      pick.map(recycle),
      fc.integer({ min: 1, max: 2 }).map(map),
      pick.map(unmap),
      fc.tuple(pick, fc.boolean()).map(([of, isMapped]) => release(of, isMapped)),
      fc.constant(0).map(finishWork),
      fc.constantFrom(settled, trim).map((make) => make()),
      // Rare, because they leave little to test after them.
      fc.nat({ max: 11 }).map((n) => [dispose, lose, endMaps][n]?.() ?? finishWork()),
    ];
    await playModel(
      "the staging pool",
      kinds,
      () => ({ model: new Model(), real: new Real() }),
      async (model, real) => {
        await finishWork().run(model, real);
        while (model.mappings.length > 0) await release(0, true).run(model, real);
        while (model.uploads.length + model.downloads.length > 0) await release(0, false).run(model, real);
        await dispose().run(model, real);
        assert.deepEqual([model.inUse, real.device.live, real.buffers.stats().bytes], [0, 0, 0]);
      },
    );
  },
  modelTimeoutMs,
);
