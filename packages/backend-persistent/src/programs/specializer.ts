import type { Bindings, Bytes, Constants, DeviceInfo, Inout, Kernel, Output, Tunable } from "@kiln-gpu/core";
import { exceededLimit, roleOf, runtimeArrayOf } from "@kiln-gpu/core/backend";
import type { Store } from "@kiln-gpu/store";
import type { LoadedKernel, PipelineCache } from "./pipeline-cache.js";

/** Part of the key of stored choices. Raise it when their meaning changes. */
const storeVersion = "2";
/** The bucket of 2^32 elements, as many as a binding of WebGPU may have bytes. */
const largestBucket = 32;

type Choice = Kernel<Bindings> | Promise<Kernel<Bindings>>;

/** What is known of a tunable kernel. */
interface Known {
  /** The length at which each runtime-sized binding begins, and the bytes of its elements. Known once it is loaded. */
  arrays?: RuntimeArrays;
  /** The exponent of the smallest power of two that is at least the number of elements, and what was chosen for it. */
  readonly chosen: Map<number, Choice>;
}

type RuntimeArrays = ReadonlyMap<string, { readonly offset: number; readonly stride: number }>;

/**
 * Chooses the tunable constants of kernels by the size of their bindings: as `tune` found, in this process or an
 * earlier one, otherwise by the limits of the device.
 */
export class Specializer {
  readonly #programs: PipelineCache;
  readonly #device: DeviceInfo;
  readonly #store: Store;
  readonly #known = new WeakMap<object, Known>();

  constructor(programs: PipelineCache, device: DeviceInfo, store: Store) {
    this.#programs = programs;
    this.#device = device;
    this.#store = store;
  }

  /** Chooses the kernel to run in place of `kernel`. The chosen kernel has no tunable constants. */
  choose<B extends Bindings>(kernel: Kernel<B>, bindings: B): Kernel<B> | Promise<Kernel<B>> {
    const arrays = this.#of(kernel).arrays ?? this.#load(kernel as unknown as Kernel);
    const choice =
      arrays instanceof Promise
        ? arrays.then((loaded) => this.#choose(kernel as unknown as Kernel, bucketOf(elementsOf(bindings, loaded))))
        : this.#choose(kernel as unknown as Kernel, bucketOf(elementsOf(bindings, arrays)));
    return choice as unknown as Kernel<B> | Promise<Kernel<B>>;
  }

  /** The elements of the largest binding, as the shader declares it. */
  async elementsOf(kernel: Kernel, bindings: Bindings): Promise<number> {
    return elementsOf(bindings, this.#of(kernel).arrays ?? (await this.#load(kernel)));
  }

  /** Every kernel that may run in place of `kernel`, at any size. */
  async choices(kernel: Kernel): Promise<Kernel[]> {
    await this.#load(kernel);
    const buckets = Array.from({ length: largestBucket + 1 }, (_, bucket) => bucket);
    return [...new Set(await Promise.all(buckets.map((bucket) => this.#choose(kernel, bucket))))];
  }

  async #load(kernel: Kernel): Promise<RuntimeArrays> {
    const { interfaces } = await this.#programs.load(kernel.specialize({}));
    const arrays = new Map<string, { readonly offset: number; readonly stride: number }>();
    for (const { bindings } of Object.values(interfaces)) {
      for (const { name, layout } of bindings) {
        const runtime = runtimeArrayOf(layout);
        if (runtime) arrays.set(name, { offset: runtime.offset, stride: runtime.array.stride });
      }
    }
    this.#of(kernel).arrays = arrays;
    return arrays;
  }

  #choose(kernel: Kernel, bucket: number): Choice {
    const { chosen } = this.#of(kernel);
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
    this.#of(kernel).chosen.set(bucket, kernel.specialize(constants));
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

  #of(kernel: object): Known {
    let known = this.#known.get(kernel);
    if (!known) this.#known.set(kernel, (known = { chosen: new Map() }));
    return known;
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

/** The elements of the largest binding. Where no shader says otherwise, an element has four bytes. */
function elementsOf(bindings: Bindings, arrays: RuntimeArrays): number {
  let most = 1;
  for (const name in bindings) {
    const { offset, stride } = arrays.get(name) ?? { offset: 0, stride: 4 };
    const elements = Math.ceil((byteLengthOf(bindings[name]) - offset) / stride);
    if (elements > most) most = elements;
  }
  return most;
}

/** 0 for a plain value, which may be a struct with a member named `length`. */
function byteLengthOf(value: unknown): number {
  const role = roleOf(value);
  if (role === undefined) return ArrayBuffer.isView(value) ? value.byteLength : 0;
  if (role === "inout" || role === "bytes") return (value as Inout | Bytes).data.byteLength;
  const { length, type } = value as Output;
  return length * type.BYTES_PER_ELEMENT;
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
