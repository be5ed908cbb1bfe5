import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchPlacer } from "./batch-placer.js";
import { placeBatch } from "./place-batch.js";
import { planOf, resource, resourceOf } from "./plans.test-support.js";

const limits = { alignment: 256, maxSharedByteLength: 4096, maxQueueUploadByteLength: 65_536 };
const plan = planOf([resourceOf("read", 256, { data: true, result: false })]);

describe("BatchPlacer", () => {
  test("places every batch as placeBatch does, whatever it placed before", () => {
    const shapes = fc.array(fc.array(resource, { maxLength: 4 }), { minLength: 1, maxLength: 3 });
    const batches = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }), { maxLength: 8 });
    fc.assert(
      fc.property(shapes, batches, (resources, order) => {
        const placer = new BatchPlacer(limits);
        const kinds = resources.map(planOf).map((each) => ({ ...each, shape: {} }));
        for (const batch of order) {
          const plans = batch.map((kind) => ({ ...kinds[kind % kinds.length]! }));
          expect(placer.place(plans.map((each) => ({ plan: each })))).toEqual(placeBatch(plans, limits));
        }
      }),
    );
  });

  test("places a repeated batch once", () => {
    const placer = new BatchPlacer(limits);
    const places = placer.place([{ plan }, { plan }]);
    expect(placer.place([{ plan }, { plan: { ...plan } }])).toBe(places);
    expect(placer.place([{ plan }, { plan: { ...plan, shape: {} } }])).not.toBe(places);
  });

  test("places batches of changing numbers of runs once each, the last used of 1024 runs together", () => {
    const placer = new BatchPlacer(limits);
    const placed = (count: number) => placer.place(Array.from({ length: count }, () => ({ plan })));
    const long = placed(512);
    const few = Array.from({ length: 31 }, (_, i) => placed(i + 1));
    few.forEach((places, i) => {
      expect(placed(i + 1)).toBe(places);
    });
    expect(placed(512)).toBe(long);
    placed(200);
    expect(placed(512)).toBe(long);
    expect(placed(31)).toBe(few[30]);
    expect(placed(1)).not.toBe(few[0]);
  });

  test("forgets all places when it is told to", () => {
    const placer = new BatchPlacer(limits);
    const places = placer.place([{ plan }]);
    placer.forget();
    expect(placer.place([{ plan }])).not.toBe(places);
  });
});
