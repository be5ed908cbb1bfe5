import type { PlannedResource, RunPlan } from "@kiln-gpu/core/backend";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BatchLayout, layoutBatch, type PlaceLimits, type Region, type Transfer } from "./batch-layout.js";
import { planOf, resource, resourceOf } from "./plans.test-support.js";

const maxQueueUploadByteLength = 64 * 2 ** 10;

const plans = fc.array(fc.array(resource, { maxLength: 8 }).map(planOf), { maxLength: 8 });
const limits = fc.record({
  alignment: fc.constantFrom(32, 64, 256),
  maxSharedByteLength: fc.constantFrom(256, 1000, 4096, 2 ** 20),
  maxQueueUploadByteLength: fc.constantFrom(0, 512, 64 * 1024),
});

interface Placed {
  readonly run: number;
  readonly index: number;
  readonly resource: PlannedResource;
  readonly region: number;
  readonly start: number;
  readonly end: number;
}

function placedIn(batch: readonly RunPlan[], { places }: BatchLayout): Placed[] {
  return batch.flatMap(({ resources }, run) =>
    resources.flatMap((resource, index) => {
      const place = places[run]![index];
      if (!place) return [];
      return [
        { run, index, resource, region: place.region, start: place.start, end: place.start + resource.byteLength },
      ];
    }),
  );
}

function forAllBatches(check: (batch: readonly RunPlan[], places: BatchLayout, limits: PlaceLimits) => void): void {
  fc.assert(
    fc.property(plans, limits, (batch, given) => check(batch, layoutBatch(batch, given), given)),
    { numRuns: 500 },
  );
}

const contains = (range: { start: number; byteLength: number } | undefined, { start, end }: Placed) =>
  range !== undefined && range.start <= start && end <= range.start + range.byteLength;
const touches = (range: { start: number; byteLength: number } | undefined, { start, end }: Placed) =>
  range !== undefined && start < range.start + range.byteLength && range.start < end;

describe("every batch", () => {
  test("has a place for each resource that is bound, and for no other", () => {
    forAllBatches((batch, { places }) => {
      expect(places.map((of) => of.map((place) => place !== undefined))).toEqual(
        batch.map(({ resources }) => resources.map(({ byteLength }) => byteLength > 0)),
      );
    });
  });

  test("has places that are aligned, inside of their region, and never overlap", () => {
    forAllBatches((batch, places, { alignment }) => {
      const placed = placedIn(batch, places);
      for (const { region, start, end } of placed) {
        expect(start % alignment).toBe(0);
        expect(end).toBeLessThanOrEqual(places.regions[region]!.byteLength);
      }
      for (let region = 0; region < places.regions.length; region += 1) {
        const inOrder = placed.filter((place) => place.region === region).sort((x, y) => x.start - y.start);
        expect(inOrder.length).toBeGreaterThan(0);
        for (let i = 1; i < inOrder.length; i += 1) {
          expect(inOrder[i]!.start).toBeGreaterThanOrEqual(inOrder[i - 1]!.end);
        }
      }
    });
  });

  test("has what is read apart from what is written, and what is both apart from all", () => {
    forAllBatches((batch, places) => {
      const placed = placedIn(batch, places);
      for (let region = 0; region < places.regions.length; region += 1) {
        const accesses = placed.filter((place) => place.region === region).map(({ resource: { access } }) => access);
        expect(new Set(accesses).size).toBe(1);
        if (accesses[0] === "mixed") expect(accesses).toHaveLength(1);
      }
    });
  });

  test("uploads all data and nothing over what starts as zeros", () => {
    forAllBatches((batch, places) => {
      for (const place of placedIn(batch, places)) {
        const { upload } = places.regions[place.region]!;
        if (place.resource.data) expect(contains(upload, place)).toBe(true);
        else expect(touches(upload, place)).toBe(false);
      }
    });
  });

  test("downloads all results and nothing else", () => {
    forAllBatches((batch, places) => {
      for (const place of placedIn(batch, places)) {
        const { download } = places.regions[place.region]!;
        if (place.resource.result) expect(contains(download, place)).toBe(true);
        else expect(touches(download, place)).toBe(false);
      }
    });
  });

  test("clears all that has no data and nothing that is uploaded", () => {
    forAllBatches((batch, places) => {
      for (const place of placedIn(batch, places)) {
        const { clear } = places.regions[place.region]!;
        if (place.resource.data) expect(touches(clear, place)).toBe(false);
        else expect(contains(clear, place)).toBe(true);
      }
      // Nothing of a region keeps the bytes of an earlier run: what is not cleared is uploaded.
      for (const { byteLength, clear, upload } of places.regions) {
        expect(clear.start).toBe(0);
        if (upload) expect(upload.start).toBe(clear.byteLength);
        expect(clear.byteLength + (upload?.byteLength ?? 0)).toBe(byteLength);
      }
    });
  });

  test("has transfers inside of their region and their staging buffer, which never overlap there", () => {
    forAllBatches((_, { regions, uploads, downloads }) => {
      const check = (staging: readonly number[], of: (region: Region) => Transfer | undefined) => {
        const transfers = regions.flatMap((region) => {
          const transfer = of(region);
          if (transfer) expect(transfer.start + transfer.byteLength).toBeLessThanOrEqual(region.byteLength);
          return transfer ? [transfer] : [];
        });
        for (const [i, byteLength] of staging.entries()) {
          const inOrder = transfers
            .filter((transfer) => transfer.staging === i)
            .sort((x, y) => x.stagingStart - y.stagingStart);
          expect(inOrder.length).toBeGreaterThan(0);
          for (const [j, { stagingStart, start, byteLength: length }] of inOrder.entries()) {
            expect([stagingStart % 8, start % 4, length % 4]).toEqual([0, 0, 0]);
            expect(length).toBeGreaterThan(0);
            const next = inOrder[j + 1]?.stagingStart ?? byteLength;
            expect(stagingStart + length).toBeLessThanOrEqual(next);
          }
        }
        expect(transfers.every((transfer) => transfer.staging < staging.length)).toBe(true);
      };
      check(uploads, ({ upload }) => upload);
      check(downloads, ({ download }) => download);
    });
  });

  test("has buffers within the shared size, unless they hold one resource that is larger", () => {
    forAllBatches((batch, places, { maxSharedByteLength }) => {
      const placed = placedIn(batch, places);
      for (const [region, { byteLength }] of places.regions.entries()) {
        if (byteLength <= maxSharedByteLength) continue;
        expect(placed.filter((place) => place.region === region)).toHaveLength(1);
      }
      const check = (staging: readonly number[], of: (region: Region) => Transfer | undefined) => {
        for (const [i, byteLength] of staging.entries()) {
          if (byteLength <= maxSharedByteLength) continue;
          const regions = [...places.regions.keys()].filter((region) => of(places.regions[region]!)?.staging === i);
          expect(regions).toHaveLength(1);
          expect(placed.filter((place) => place.region === regions[0])).toHaveLength(1);
        }
      };
      check(places.uploads, ({ upload }) => upload);
      check(places.downloads, ({ download }) => download);
    });
  });

  test("is placed the same again", () => {
    forAllBatches((batch, places, given) => {
      const again = batch.map(({ resources }) => planOf(resources.map((resource) => ({ ...resource }))));
      expect(layoutBatch(again, given)).toEqual(places);
    });
  });
});

describe("what a batch shares", () => {
  const given = { alignment: 256, maxSharedByteLength: 2 ** 20, maxQueueUploadByteLength };
  const fieldAdd = planOf([
    resourceOf("read", 256, { data: true, result: false }),
    resourceOf("read", 256, { data: true, result: false }),
    resourceOf("read-write", 256, { data: false, result: true }),
  ]);

  test("is one buffer to read, one to write, and one staging buffer each way, for all its runs", () => {
    const { regions, uploads, downloads, places } = layoutBatch([fieldAdd, fieldAdd], given);
    expect(regions).toEqual([
      {
        byteLength: 1024,
        clear: { start: 0, byteLength: 0 },
        upload: { start: 0, byteLength: 1024, staging: 0, stagingStart: 0 },
        download: undefined,
      },
      {
        byteLength: 512,
        clear: { start: 0, byteLength: 512 },
        upload: undefined,
        download: { start: 0, byteLength: 512, staging: 0, stagingStart: 0 },
      },
    ]);
    expect([uploads, downloads]).toEqual([[1024], [512]]);
    expect(places).toEqual([
      [
        { region: 0, start: 0 },
        { region: 0, start: 256 },
        { region: 1, start: 0 },
      ],
      [
        { region: 0, start: 512 },
        { region: 0, start: 768 },
        { region: 1, start: 256 },
      ],
    ]);
  });

  test("lies in the order in which each transfer is one range", () => {
    const inout = resourceOf("read-write", 8, { data: true, result: true });
    const input = resourceOf("read-write", 8, { data: true, result: false });
    const output = resourceOf("read-write", 8, { data: false, result: true });
    const scratch = resourceOf("read-write", 8, { data: false, result: false });
    const { regions, places } = layoutBatch([planOf([input, inout, output, scratch])], given);
    expect(places[0]!.map((place) => place!.start)).toEqual([768, 512, 256, 0]);
    expect(regions[0]).toMatchObject({
      byteLength: 776,
      clear: { start: 0, byteLength: 264 },
      upload: { start: 264, byteLength: 512 },
      download: { start: 8, byteLength: 512 },
    });
  });

  test("of nothing is nothing", () => {
    const nothing = { regions: [], uploads: [], downloads: [], requests: [] };
    expect(layoutBatch([], given)).toMatchObject({ ...nothing, places: [] });
    expect(layoutBatch([planOf([])], given)).toMatchObject({ ...nothing, places: [[]] });
  });
});

describe("what a batch asks of the pools", () => {
  test("is its regions, then its uploads unless the queue takes them, then its downloads", () => {
    forAllBatches((_, { regions, uploads, downloads, goesThroughQueue, requests }) => {
      expect(requests.map(({ byteLength }) => byteLength)).toEqual([
        ...regions.map(({ byteLength }) => byteLength),
        ...(goesThroughQueue ? [] : uploads),
        ...downloads,
      ]);
      if (goesThroughQueue) expect(uploads).toHaveLength(1);
    });
  });

  test.each([
    [maxQueueUploadByteLength, true],
    [maxQueueUploadByteLength + 4, false],
  ])("for an upload of %i bytes goes through the queue: %s", (byteLength, goesThroughQueue) => {
    const plan = planOf([resourceOf("read", byteLength, { data: true, result: false })]);
    const given = { alignment: 256, maxSharedByteLength: 2 ** 20, maxQueueUploadByteLength };
    expect(layoutBatch([plan], given).goesThroughQueue).toBe(goesThroughQueue);
  });
});
