/**
 * Where everything that a batch needs lies: a few shared buffers instead of three for each run, so that one copy goes
 * in and one comes out however many runs share the submission.
 *
 * Invariant: what passes only read never shares a buffer with what they write, since WebGPU refuses a dispatch that
 * binds one buffer both ways, even in ranges that do not overlap. The order is fixed, so the same runs are placed the
 * same again.
 */
import { type PlannedResource, type RunPlan, roundUpTo4 } from "@kiln-gpu/core/backend";
import { type BufferRequest, downloadUsage, uploadUsage } from "@kiln-gpu/resource-pools";
import type { ResourceOfRun } from "@kiln-gpu/webgpu";
import { deviceUsage } from "../memory/device-usage.js";

/** A range of a region and its place in a staging buffer; all in bytes. */
export interface Transfer {
  readonly start: number;
  readonly byteLength: number;
  readonly staging: number;
  readonly stagingStart: number;
}

/** One device buffer of a batch. */
export interface Region {
  readonly byteLength: number;
  /** What must be zero before the first dispatch. */
  readonly clear: { readonly start: number; readonly byteLength: number };
  readonly upload: Transfer | undefined;
  readonly download: Transfer | undefined;
  /**
   * The resources whose staged memory is copied in, after the upload; of a run that is no replay, the only one of the
   * region.
   */
  readonly staged?: readonly StagedPart[] | undefined;
  /**
   * The resource that is a resident array: its region is that array's own buffer, which no batch acquires. Its
   * transfers take place when its run's turn comes.
   */
  readonly resident?: ResourceOfRun | undefined;
}

/** A part of a region that is copied out of staged memory. */
export interface StagedPart extends ResourceOfRun {
  /** Bytes from the region's start. */
  readonly start: number;
  readonly byteLength: number;
}

export interface Place {
  /** The index of a region. */
  readonly region: number;
  /** Bytes from the region's start. */
  readonly start: number;
}

export interface BatchLayout {
  /** Those of resident arrays come last. */
  readonly regions: readonly Region[];
  /** How many regions are not resident arrays. */
  readonly ownRegions: number;
  /** The bytes of each staging buffer on the way in, and out. */
  readonly uploads: readonly number[];
  readonly downloads: readonly number[];
  /** Whether the upload is small enough to need no staging buffer: the queue takes it out of any host memory. */
  readonly goesThroughQueue: boolean;
  /**
   * The buffers to acquire: one for each region that is no resident array, then for each upload that is staged, then
   * for each download.
   */
  readonly requests: readonly BufferRequest[];
  /** By run, then by resource; undefined where no pass binds it. */
  readonly places: readonly (readonly (Place | undefined)[])[];
}

export interface PlaceLimits {
  /** Uploads up to this many bytes go through the queue, if they are all of a batch's. */
  readonly maxQueueUploadByteLength: number;
  /** Where a binding may begin: the larger of the device's two offset alignments. */
  readonly alignment: number;
  /** Bytes that runs share one buffer up to; a larger resource has a buffer of its own. */
  readonly maxSharedByteLength: number;
  /** Likewise of what is only uploaded and read, where that is less. */
  readonly maxSharedInputByteLength?: number;
}

/** The kinds of content, in the order in which they lie in a region, so that each transfer is one range. */
const kinds = ["scratch", "output", "inout", "input"] as const;
type Kind = (typeof kinds)[number];

const nothing = { start: 0, byteLength: 0 };

interface Item extends ResourceOfRun {
  readonly byteLength: number;
}

type Buckets = Record<Kind, Item[]>;
type Ends = Record<Kind, number>;

export function layoutBatch(plans: readonly RunPlan[], limits: PlaceLimits): BatchLayout {
  const read = emptyBuckets();
  const written = emptyBuckets();
  const mixed: Buckets[] = [];
  const staged: Item[] = [];
  const resident: Item[] = [];
  const places: (Place | undefined)[][] = [];
  for (let run = 0; run < plans.length; run += 1) {
    const { resources } = plans[run]!;
    places.push(new Array<Place | undefined>(resources.length).fill(undefined));
    for (let resource = 0; resource < resources.length; resource += 1) {
      const planned = resources[resource]!;
      const { byteLength, access } = planned;
      if (byteLength === 0) continue;
      if (planned.staged) {
        staged.push({ run, resource, byteLength });
        continue;
      }
      if (planned.resident) {
        resident.push({ run, resource, byteLength });
        continue;
      }
      let buckets = access === "read" ? read : written;
      if (access === "mixed") mixed.push((buckets = emptyBuckets()));
      buckets[kindOf(planned)].push({ run, resource, byteLength });
    }
  }
  const builder = new LayoutBuilder(limits, places);
  builder.place(read);
  builder.place(written);
  for (const buckets of mixed) builder.place(buckets);
  for (const item of staged) builder.placeStaged(item);
  for (const item of resident) builder.placeResident(item, plans[item.run]!.resources[item.resource]!);
  return builder.finish(plans.length);
}

class LayoutBuilder {
  readonly #limits: PlaceLimits;
  readonly #places: (Place | undefined)[][];
  readonly #regions: Region[] = [];
  readonly #uploads: number[] = [];
  readonly #downloads: number[] = [];
  #writesResident = false;

  constructor(limits: PlaceLimits, places: (Place | undefined)[][]) {
    this.#limits = limits;
    this.#places = places;
  }

  /** Lays the items one after another, in as few regions as the shared size allows. */
  place(buckets: Buckets): void {
    const { alignment, maxSharedByteLength, maxSharedInputByteLength = maxSharedByteLength } = this.#limits;
    let end = 0;
    /** Where each kind ends in the region that is being filled; 0 where it has nothing there. */
    let ends: Ends = { scratch: 0, output: 0, inout: 0, input: 0 };
    const close = () => {
      if (end > 0) this.#close(ends);
      ends = { scratch: 0, output: 0, inout: 0, input: 0 };
      end = 0;
    };
    for (const kind of kinds) {
      const isOwn = (byteLength: number) => kind === "input" && byteLength > maxSharedInputByteLength;
      for (const { run, resource, byteLength } of buckets[kind]) {
        const next = Math.ceil(end / alignment) * alignment;
        if (next + byteLength > maxSharedByteLength || isOwn(byteLength)) close();
        const start = end === 0 ? 0 : next;
        this.#places[run]![resource] = { region: this.#regions.length, start };
        end = start + byteLength;
        ends[kind] = end;
        if (isOwn(byteLength)) close();
      }
    }
    close();
  }

  /** A region that is filled by a copy on the device, out of memory that the host has written already. */
  placeStaged({ run, resource, byteLength }: Item): void {
    this.#places[run]![resource] = { region: this.#regions.length, start: 0 };
    this.#regions.push({
      byteLength,
      clear: nothing,
      upload: undefined,
      download: undefined,
      staged: [{ run, resource, start: 0, byteLength }],
    });
  }

  /** A resident array, of which a part is written or read where the resource has data or a result. */
  placeResident({ run, resource, byteLength }: Item, { start = 0, data, result }: PlannedResource): void {
    this.#places[run]![resource] = { region: this.#regions.length, start };
    const upload = data && this.#transfer(this.#uploads, start, start + byteLength);
    // Copies begin and end at multiples of 4 bytes; what they take along is nobody's.
    const end = start + (result?.length ?? 0) * (result?.type.BYTES_PER_ELEMENT ?? 0);
    const download = result && this.#transfer(this.#downloads, start - (start % 4), roundUpTo4(end));
    this.#regions.push({ byteLength, clear: nothing, upload, download, resident: { run, resource } });
    this.#writesResident ||= upload !== undefined;
  }

  finish(runCount: number): BatchLayout {
    // The queue writes before anything of the submission happens; a resident array is written when its turn comes.
    const isInOrder = runCount === 1 || !this.#writesResident;
    const transfers = { uploads: this.#uploads, downloads: this.#downloads, isInOrder };
    return layoutOf(this.#regions, this.#places, transfers, this.#limits);
  }

  #close({ scratch, ...ends }: Ends): void {
    const output = Math.max(ends.output, scratch);
    const inout = Math.max(ends.inout, output);
    const end = Math.max(ends.input, inout);
    // Each range begins where the kind before ends; the alignment's gap is copied with it and belongs to nobody.
    this.#regions.push({
      byteLength: end,
      clear: { start: 0, byteLength: output },
      upload: this.#transfer(this.#uploads, output, end),
      download: this.#transfer(this.#downloads, scratch, inout),
    });
  }

  #transfer(staging: number[], start: number, end: number): Transfer | undefined {
    return end > start ? transferThrough(staging, start, end - start, this.#limits) : undefined;
  }
}

/** Gives a range of a region its place in the last of `staging`, by the bytes of each, or in another one. */
function transferThrough(
  staging: number[],
  start: number,
  byteLength: number,
  { maxSharedByteLength }: PlaceLimits,
): Transfer {
  const last = staging.at(-1);
  // Mapped ranges begin at multiples of 8.
  const stagingStart = last === undefined ? 0 : Math.ceil(last / 8) * 8;
  if (last === undefined || stagingStart + byteLength > maxSharedByteLength) {
    staging.push(byteLength);
    return { start, byteLength, staging: staging.length - 1, stagingStart: 0 };
  }
  staging[staging.length - 1] = stagingStart + byteLength;
  return { start, byteLength, staging: staging.length - 1, stagingStart };
}

function layoutOf(
  regions: readonly Region[],
  places: BatchLayout["places"],
  { uploads, downloads, isInOrder }: Pick<BatchLayout, "uploads" | "downloads"> & { readonly isInOrder: boolean },
  { maxQueueUploadByteLength }: PlaceLimits,
): BatchLayout {
  const goesThroughQueue = isInOrder && uploads.length === 1 && uploads[0]! <= maxQueueUploadByteLength;
  const own = regions.filter(({ resident }) => !resident);
  const requests = [
    ...own.map(({ byteLength }) => ({ byteLength, usage: deviceUsage })),
    ...(goesThroughQueue ? [] : uploads).map((byteLength) => ({ byteLength, usage: uploadUsage })),
    ...downloads.map((byteLength) => ({ byteLength, usage: downloadUsage })),
  ];
  return { regions, ownRegions: own.length, uploads, downloads, goesThroughQueue, requests, places };
}

/**
 * The places of a run alone, some of whose inputs are staged memory now: everything stays where it is, and nothing is
 * uploaded into a region that has no other input.
 * @param plan Has `staged` in place of those inputs' `data`.
 */
export function layoutWithStaged(base: BatchLayout, { resources }: RunPlan, limits: PlaceLimits): BatchLayout {
  const uploads: number[] = [];
  const regions = base.regions.map((region, at) => {
    const here = resources.map((_, i) => i).filter((i) => base.places[0]![i]?.region === at);
    const staged = here
      .filter((i) => resources[i]!.staged)
      .map((resource) => {
        const { byteLength } = resources[resource]!;
        return { run: 0, resource, start: base.places[0]![resource]!.start, byteLength };
      });
    const { start, byteLength } = region.upload ?? { start: 0, byteLength: 0 };
    const isUploaded = here.some((i) => resources[i]!.data);
    return { ...region, staged, upload: isUploaded ? transferThrough(uploads, start, byteLength, limits) : undefined };
  });
  return layoutOf(regions, base.places, { uploads, downloads: base.downloads, isInOrder: true }, limits);
}

function kindOf({ data, result }: PlannedResource): Kind {
  if (result) return data ? "inout" : "output";
  return data ? "input" : "scratch";
}

function emptyBuckets(): Buckets {
  return { scratch: [], output: [], inout: [], input: [] };
}
