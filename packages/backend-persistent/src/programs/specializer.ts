import type {
  Bindings,
  Bytes,
  Constants,
  DeviceInfo,
  Inout,
  Kernel,
  Output,
  Tunable,
  TypedArray,
} from "@kiln-gpu/core";
import { exceededLimit, roleOf } from "@kiln-gpu/core/backend";
import type { Store } from "@kiln-gpu/store";
import type { LoadedKernel, PipelineCache } from "./pipeline-cache.js";

/** Part of the key of stored choices. Raise it when their meaning changes. */
const storeVersion = "1";
/** The bucket of 2^32 elements, as many as a binding of WebGPU may have bytes. */
const largestBucket = 32;

/**
 * Chooses the tunable constants of kernels by the size of their bindings: as `tune` found, in this process or an
 * earlier one, otherwise by the limits of the device.
 */
export class Specializer {
  readonly #programs: PipelineCache;
  readonly #device: DeviceInfo;
  readonly #store: Store;
  readonly #chosen = new WeakMap<object, Map<number, Kernel<Bindings> | Promise<Kernel<Bindings>>>>();

  constructor(programs: PipelineCache, device: DeviceInfo, store: Store) {
    this.#programs = programs;
    this.#device = device;
    this.#store = store;
  }

  /** Chooses the kernel to run in place of `kernel`. The chosen kernel has no tunable constants. */
  choose<B extends Bindings>(kernel: Kernel<B>, bindings: B): Kernel<B> | Promise<Kernel<B>> {
    const choice = this.#choose(kernel as unknown as Kernel, bucketOf(elementsOf(bindings)));
    return choice as unknown as Kernel<B> | Promise<Kernel<B>>;
  }

  /** Every kernel that may run in place of `kernel`, at any size. */
  async choices(kernel: Kernel): Promise<Kernel[]> {
    const buckets = Array.from({ length: largestBucket + 1 }, (_, bucket) => bucket);
    return [...new Set(await Promise.all(buckets.map((bucket) => this.#choose(kernel, bucket))))];
  }

  #choose(kernel: Kernel, bucket: number): Kernel | Promise<Kernel> {
    const chosen = this.#of(kernel);
    let choice = chosen.get(bucket);
    if (!choice) {
      choice = this.#find(kernel, bucket).then(
        (found) => {
          // Unless it was tuned meanwhile.
          if (chosen.get(bucket) === choice) chosen.set(bucket, found);
          return found;
        },
        (error: unknown) => {
          if (chosen.get(bucket) === choice) chosen.delete(bucket);
          throw error;
        },
      );
      chosen.set(bucket, choice);
    }
    return choice;
  }

  /** Makes `constants` the choice for bindings of this many elements, and stores them for later processes. */
  async keep(kernel: Kernel, elements: number, constants: Constants): Promise<void> {
    const bucket = bucketOf(elements);
    this.#of(kernel).set(bucket, kernel.specialize(constants));
    await this.#store.write("tuning", await this.#keyOf(kernel, bucket), { constants: { ...constants } });
  }

  /** The combinations that the device can run, in the order of their declaration. */
  async candidates(kernel: Kernel): Promise<readonly { readonly constants: Constants; readonly kernel: Kernel }[]> {
    const fitting = [];
    for (const constants of combinationsOf(kernel.tunable!)) {
      const specialized = kernel.specialize(constants);
      if (this.#fits(await this.#programs.load(specialized))) fitting.push({ constants, kernel: specialized });
    }
    return fitting;
  }

  async #find(kernel: Kernel, bucket: number): Promise<Kernel> {
    const kept = await this.#store.read("tuning", await this.#keyOf(kernel, bucket));
    const combinations = combinationsOf(kernel.tunable!);
    const known = combinations.find((constants) => isSame(constants, (kept as { constants?: unknown })?.constants));
    if (known) return kernel.specialize(known);
    const elements = 2 ** bucket;
    let best: { readonly kernel: Kernel; readonly rank: number } | undefined;
    for (const constants of combinations) {
      const specialized = kernel.specialize(constants);
      const rank = this.#rank(await this.#programs.load(specialized), elements);
      if (rank === 0) return specialized;
      if (!best || rank < best.rank) best = { kernel: specialized, rank };
    }
    return best!.kernel;
  }

  /** 0 if nothing speaks against the kernel; the higher the rank, the worse the choice. */
  #rank(loaded: LoadedKernel, elements: number): number {
    const { maxComputeWorkgroupsPerDimension: most } = this.#device.limits;
    const sizes = workgroupSizesOf(loaded);
    // With other dimensions there is no longer one thread for each element.
    const isLinear = sizes.every(([, y, z]) => y === 1 && z === 1);
    const mustSplit = isLinear && sizes.some(([x]) => Math.ceil(elements / x) > most);
    const isMostlyIdle = isLinear && sizes.some(([x]) => x > Math.max(elements, 32));
    return (this.#fits(loaded) ? 0 : 4) + (mustSplit ? 2 : 0) + (isMostlyIdle ? 1 : 0);
  }

  #fits({ interfaces }: LoadedKernel): boolean {
    return Object.values(interfaces).every((shader) => exceededLimit(shader, this.#device.limits) === undefined);
  }

  #of(kernel: object): Map<number, Kernel<Bindings> | Promise<Kernel<Bindings>>> {
    let chosen = this.#chosen.get(kernel);
    if (!chosen) this.#chosen.set(kernel, (chosen = new Map()));
    return chosen;
  }

  /** Made of the kernel's programs by content, its tunable values, the device and the size. */
  async #keyOf(kernel: Kernel, bucket: number): Promise<string[]> {
    const { addresses } = await this.#programs.load(kernel.specialize({}));
    const { name, vendor, architecture } = this.#device;
    const tunable = JSON.stringify(kernel.tunable);
    return [
      storeVersion,
      name,
      vendor,
      architecture,
      String(bucket),
      tunable,
      ...[...addresses.values()].map(({ whole }) => whole),
    ];
  }
}

/** The elements of the largest binding. Four bytes count as one element. */
export function elementsOf(bindings: Bindings): number {
  let most = 1;
  for (const name in bindings) {
    const elements = countOf(bindings[name]);
    if (elements > most) most = elements;
  }
  return most;
}

/** 0 for a plain value, which may be a struct with a member named `length`. */
function countOf(value: unknown): number {
  const role = roleOf(value);
  if (role === undefined && !ArrayBuffer.isView(value)) return 0;
  const { length, type } = value as Output;
  const array = role === "inout" || role === "bytes" ? (value as Inout | Bytes).data : (value as TypedArray);
  const { BYTES_PER_ELEMENT: bytes } = type ?? array;
  return bytes === 1 ? Math.ceil(length / 4) : length;
}

/** The exponent of the smallest power of two that is at least `elements`. */
function bucketOf(elements: number): number {
  return Math.ceil(Math.log2(elements));
}

function workgroupSizesOf({ interfaces }: LoadedKernel) {
  return Object.values(interfaces).map(({ workgroupSize }) => workgroupSize);
}

/** Every combination of values, beginning with the first value of each constant. */
function combinationsOf(tunable: Tunable): Constants[] {
  let combinations: Constants[] = [{}];
  for (const [name, values] of Object.entries(tunable)) {
    combinations = values.flatMap((value) => combinations.map((constants) => ({ ...constants, [name]: value })));
  }
  return combinations;
}

function isSame(constants: Constants, given: unknown): boolean {
  if (typeof given !== "object" || given === null) return false;
  const others = given as { readonly [name: string]: unknown };
  const names = Object.keys(constants);
  return names.length === Object.keys(others).length && names.every((name) => others[name] === constants[name]);
}
