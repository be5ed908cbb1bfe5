import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layoutBatch } from "./batch-layout.js";
import { BatchTemplates } from "./batch-templates.js";
import { planOf, resource, resourceOf } from "./plans.test-support.js";

const limits = { alignment: 256, maxSharedByteLength: 4096, maxQueueUploadByteLength: 65_536 };
const plan = planOf([resourceOf("read", 256, { data: true, result: false })]);

describe("BatchTemplates", () => {
  test("places every batch as layoutBatch does, whatever it placed before", () => {
    const shapes = fc.array(fc.array(resource, { maxLength: 4 }), { minLength: 1, maxLength: 3 });
    const batches = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }), { maxLength: 8 });
    fc.assert(
      fc.property(shapes, batches, (resources, order) => {
        const templates = new BatchTemplates(limits, 2);
        const kinds = resources.map(planOf).map((each) => ({ ...each, shape: {} }));
        for (const batch of order) {
          const plans = batch.map((kind) => ({ ...kinds[kind % kinds.length]! }));
          expect(templates.of(plans.map((each) => ({ plan: each }))).layout).toEqual(layoutBatch(plans, limits));
        }
      }),
    );
  });

  test("places a repeated batch once", () => {
    const templates = new BatchTemplates(limits, 2);
    const places = templates.of([{ plan }, { plan }]);
    expect(templates.of([{ plan }, { plan: { ...plan } }])).toBe(places);
    expect(templates.of([{ plan }, { plan: { ...plan, shape: {} } }])).not.toBe(places);
  });

  test("places batches of changing numbers of runs once each, the last used of 1024 runs together", () => {
    const templates = new BatchTemplates(limits, 2);
    const placed = (count: number) => templates.of(Array.from({ length: count }, () => ({ plan })));
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
});
