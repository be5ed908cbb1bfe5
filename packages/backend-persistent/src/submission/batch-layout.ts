/**
 * Places the resources of a batch in a few shared buffers, instead of three for each run. So one copy goes in and one
 * comes out, however many runs share the submission.
 *
 * Invariant: what passes only read never shares a buffer with what they write, because WebGPU refuses a dispatch that
 * binds one buffer both ways, even in ranges that do not overlap. Equal runs get equal places.
 */
import { type PlannedResource, type RunPlan, roundUpTo4 } from "@kiln-gpu/core/backend";
import { type BufferRequest, downloadUsage, uploadUsage } from "@kiln-gpu/resource-pools";
import type { ResourceOfRun } from "@kiln-gpu/webgpu";
import { deviceUsage } from "../memory/device-usage.js";

/** A range of a region, and where it lies in a staging buffer; all in bytes. */
export interface Transfer {
  readonly start: number;
  readonly byteLength: number;
  readonly staging: number;
  readonly stagingStart: number;
}

/** One device buffer of a batch. */
export interface Region {
  readonly byteLength: number;
  /** The range that must be zero before the first dispatch. */
  readonly clear: { readonly start: number; readonly byteLength: number };
  readonly upload: Transfer | undefined;
  readonly download: Transfer | undefined;
  /**
   * The resources whose staged memory is copied in after the upload. Outside of replays there is one, and it has the
   * region to itself.
   */
  readonly staged?: readonly StagedPart[] | undefined;
  /**
   * The resource that is a resident array. Its region is that array's own buffer, which no batch acquires. Its
   * transfers are recorded when its run's turn comes.
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
  /** Regions of resident arrays come last. */
  readonly regions: readonly Region[];
  /** How many regions are not resident arrays. */
  readonly ownRegions: number;
  /** The bytes of each staging buffer for uploads, and for downloads. */
  readonly uploads: readonly number[];
  readonly downloads: readonly number[];
  /**
   * Whether the upload goes through `queue.writeBuffer`, which takes it from any host memory, without a staging buffer.
   */
  readonly goesThroughQueue: boolean;
  /**
   * The buffers to acquire: one for each region that is not a resident array, then one for each upload through staging,
   * then one for each download.
   */
  readonly requests: readonly BufferRequest[];
  /** By run, then by resource; `undefined` if no pass binds the resource. */
  readonly places: readonly (readonly (Place | undefined)[])[];
}

export interface PlaceLimits {
  /** A batch whose uploads together have at most this many bytes sends them through the queue. */
  readonly maxQueueUploadByteLength: number;
  /** Bindings begin at multiples of this: the larger of the device's two offset alignments. */
  readonly alignment: number;
  /** The most bytes of a shared buffer. A larger resource gets a buffer of its own. */
  readonly maxSharedByteLength: number;
  /** The same for resources that are only uploaded and read, if that is less. */
  readonly maxSharedInputByteLength?: number;
}

/** The kinds of resources, in the order in which they lie in a region, so that each transfer is one range. */
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
    /** Where each kind ends in the current region; 0 if the region has none of that kind. */
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

  /** Adds a region that the device fills with a copy of staged memory. */
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

  /**
   * Adds a resident array as a region. A part of it is written if the resource has data, and read if it has a result.
   */
  placeResident({ run, resource, byteLength }: Item, { start = 0, data, result }: PlannedResource): void {
    this.#places[run]![resource] = { region: this.#regions.length, start };
    const upload = data && this.#transfer(this.#uploads, start, start + byteLength);
    // Copies begin and end at multiples of 4 bytes. The extra bytes at the edges are ignored.
    const end = start + (result?.length ?? 0) * (result?.type.BYTES_PER_ELEMENT ?? 0);
    const download = result && this.#transfer(this.#downloads, start - (start % 4), roundUpTo4(end));
    this.#regions.push({ byteLength, clear: nothing, upload, download, resident: { run, resource } });
    this.#writesResident ||= upload !== undefined;
  }

  finish(runCount: number): BatchLayout {
    // The queue writes before the submission begins, but a resident array must be written in its turn.
    const isInOrder = runCount === 1 || !this.#writesResident;
    const transfers = { uploads: this.#uploads, downloads: this.#downloads, isInOrder };
    return layoutOf(this.#regions, this.#places, transfers, this.#limits);
  }

  #close({ scratch, ...ends }: Ends): void {
    const output = Math.max(ends.output, scratch);
    const inout = Math.max(ends.inout, output);
    const end = Math.max(ends.input, inout);
    // Each range begins where the kind before it ends. The gap for alignment is copied with it and ignored.
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

/** Appends a range of a region to the last staging buffer, or begins another. `staging` has the bytes of each. */
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
 * The layout of a run that goes alone and brings some of its inputs as staged memory. Every resource stays where it is
 * in `base`, and a region without other inputs has no upload.
 * @param plan Has `staged` instead of `data` for those inputs.
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
