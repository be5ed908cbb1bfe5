import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import type { DeviceInfo, TuningReport } from "@kiln-gpu/core";
import { matrixProduct, matrixProductSpirv } from "@kiln-gpu/kernels";
import { createCopyCeiling } from "../compute/copy-ceiling.js";
import { createFmaCeiling } from "../compute/fma-ceiling.js";
import { createProducts, productTolerance } from "../compute/matrix-product.js";
import { measureSubjects, type SubjectFigures } from "../compute/measure.js";
import { checkAllBodies, createNBody, pullTolerance, tuneNBody } from "../compute/n-body.js";
import { primitives } from "../compute/primitives.js";
import { createReadCeiling } from "../compute/read-ceiling.js";
import { type SizeRange, sizesIn } from "../compute/sizes.js";
import { createSum, sumTolerance } from "../compute/sum.js";
import { formatSize, gigaPerSecond, ms, percent, spread, times } from "../format.js";
import { countSteps, type Suite } from "../suite.js";

interface Row {
  /** Rows of a matrix, bodies, or elements of a sum. */
  readonly size: number;
  readonly kernel: SubjectFigures;
  /** The ceiling of the device for such work, measured in turn with the kernel. */
  readonly ceiling: SubjectFigures;
}

export interface ComputeFigures {
  /** The device's own clock, or the host's if the device has no timestamps. */
  readonly clock: "device" | "host";
  readonly products: readonly (Row & { readonly tiles: SubjectFigures })[];
  readonly bodies: readonly (Row & { readonly tuning: TuningReport })[];
  readonly sums: readonly Row[];
  /** Scan, sort, compaction, reduce by key, Fourier transform and convolution. */
  readonly moves: readonly Row[];
}

/** In elements of the largest array, or in bodies; larger sizes take seconds on a software GPU. */
const rangesOn = ({
  isSoftware,
}: DeviceInfo): { readonly [kernel in "products" | "bodies" | "sums" | "moves"]: SizeRange } => ({
  products: { smallest: 2 ** 16, largest: isSoftware ? 2 ** 16 : 2 ** 24 },
  bodies: { smallest: 2 ** 12, largest: isSoftware ? 2 ** 10 : 2 ** 16 },
  sums: { smallest: 2 ** 20, largest: 2 ** 26 },
  moves: { smallest: 2 ** 20, largest: isSoftware ? 2 ** 16 : 2 ** 24 },
});
/** Whole transforms, and whole rows of an image. */
const moveUnit = 2048;
/** Two tiles of the kernel, the last one not full. */
const bodiesToCheck = 300;

export const compute: Suite<ComputeFigures> = {
  name: "compute",
  description: "GFLOP/s and GB/s of kernels, as shares of the most that the device can do",
  kernel: "matrix product, n-body, sum, scan, sort and others from WGSL, over resident arrays",
  defaultSizes: [2 ** 12, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26],
  defaultIterations: 20,
  iterationsAre: "samples of each kernel and size at most; fewer if they are slow",

  async measure(context) {
    const { open, device, sizes, iterations } = context;
    const ranges = rangesOn(device);
    const subjects = Object.values(ranges).flatMap((range) => sizesIn(sizes, range));
    const moveSizes = [...new Set(sizesIn(sizes, ranges.moves).map((size) => Math.ceil(size / moveUnit) * moveUnit))];
    const step = countSteps(
      context,
      subjects.length - sizesIn(sizes, ranges.moves).length + moveSizes.length * primitives.length,
    );
    await using backend = await openPersistentBackend(open);
    const products: ComputeFigures["products"][number][] = [];
    const bodies: ComputeFigures["bodies"][number][] = [];
    const sums: Row[] = [];
    const moves: Row[] = [];
    {
      using fma = await createFmaCeiling(backend);
      for (const size of sizesIn(sizes, ranges.products)) {
        const n = Math.floor(Math.sqrt(size));
        step(`matrix product of ${n}×${n}, ${iterations} samples at most`);
        using both = await createProducts(backend, [matrixProduct, matrixProductSpirv], n);
        const [kernel, tiles, ceiling] = await measureSubjects(backend, [...both.subjects, fma], iterations, context);
        products.push({ size: n, kernel: kernel!, tiles: tiles!, ceiling: ceiling! });
      }
      await checkAllBodies(backend, bodiesToCheck);
      for (const size of sizesIn(sizes, ranges.bodies)) {
        step(`n-body of ${formatSize(size)} bodies, tuned, then ${iterations} samples at most`);
        const tuning = await tuneNBody(backend, size);
        using subject = await createNBody(backend, size);
        const [kernel, ceiling] = await measureSubjects(backend, [subject, fma], iterations, context);
        bodies.push({ size, kernel: kernel!, ceiling: ceiling!, tuning });
      }
    }
    {
      using read = await createReadCeiling(backend);
      for (const size of sizesIn(sizes, ranges.sums)) {
        step(`sum of ${formatSize(size)} elements, ${iterations} samples at most`);
        using subject = await createSum(backend, size);
        const [kernel, ceiling] = await measureSubjects(backend, [subject, read], iterations, context);
        sums.push({ size, kernel: kernel!, ceiling: ceiling! });
      }
    }
    using copy = await createCopyCeiling(backend);
    for (const size of moveSizes) {
      for (const create of primitives) {
        using subject = await create(backend, size);
        step(`${subject.name}, ${formatSize(size)} elements, ${iterations} samples at most`);
        const [kernel, ceiling] = await measureSubjects(backend, [subject, copy], iterations, context);
        moves.push({ size, kernel: kernel!, ceiling: ceiling! });
      }
    }
    return { clock: device.features.includes("timestamp-query") ? "device" : "host", products, bodies, sums, moves };
  },

  sections({ clock, products, bodies, sums, moves }) {
    const by = `by the ${clock}'s clock`;
    return [
      {
        title: `Compute: matrix product of f32, ${by}`,
        rows: products.map((row) => ({
          matrices: `${row.size}×${row.size}`,
          ...columnsOf(row, "GFLOP/s"),
          "SPIR-V tiles": ms(row.tiles.perRun.medianMs),
          "tiles / kiln": times(row.tiles.perRun.medianMs / row.kernel.perRun.medianMs),
        })),
      },
      {
        title: `Compute: n-body, ${by}`,
        rows: bodies.map((row) => ({ bodies: formatSize(row.size), ...columnsOf(row, "GFLOP/s") })),
      },
      { title: "Compute: n-body as tuned before, median of a run and deviation", rows: bodies.map(tuningRow) },
      {
        title: `Compute: sum of f32, ${by}`,
        rows: sums.map((row) => ({ elements: formatSize(row.size), ...columnsOf(row, "GB/s") })),
      },
      {
        title: `Compute: other kernels on f32, beside a copy, ${by}`,
        rows: moves.map((row) => ({
          kernel: row.kernel.name,
          elements: formatSize(row.size),
          ...columnsOf(row, "GB/s"),
        })),
      },
      {
        text: `The ceilings are measured in turn with each kernel: chains of multiply-adds in registers, and reads and copies
of arrays larger than the caches. An array that fits the caches is read faster than that. Times are of one run out of a
sequence of many. A matrix product counts 2n³ operations, n-body 20 for each pair; a sum reads each element once.
The other kernels count each element that they take and give once, however often they move it.
Every sample is checked: matrices within ${productTolerance} of an element, large ones by random signs (Freivalds),
sums within ${sumTolerance}, and some bodies within ${pullTolerance} of the sum of all pulls. A software GPU stops
at matrices of 256×256 and at 1K bodies.`,
      },
    ];
  },
};

function columnsOf({ kernel, ceiling }: Row, unit: "GFLOP/s" | "GB/s") {
  const { work, perRun, repeats } = kernel;
  const { medianMs } = perRun;
  return {
    median: ms(medianMs),
    "p10 to p90": spread(perRun),
    [unit]: gigaPerSecond(work, medianMs),
    ceiling: gigaPerSecond(ceiling.work, ceiling.perRun.medianMs),
    share: percent(work / medianMs / (ceiling.work / ceiling.perRun.medianMs)),
    samples: `${perRun.count} × ${repeats} runs`,
  };
}

function tuningRow({ size, tuning }: ComputeFigures["bodies"][number]) {
  const { candidates, chosen, isQuicker } = tuning;
  const sizeOf = ({ workgroup_size }: typeof chosen) => Number(workgroup_size);
  const inOrder = [...candidates].sort((a, b) => sizeOf(a.constants) - sizeOf(b.constants));
  return {
    bodies: formatSize(size),
    ...Object.fromEntries(
      inOrder.map(({ constants, medianNs, deviationNs }) => [
        `by ${sizeOf(constants)}`,
        `${ms(medianNs / 1e6)} ± ${ms(deviationNs / 1e6)}`,
      ]),
    ),
    chosen: sizeOf(chosen),
    "quicker than the first choice": isQuicker ? "yes" : "not beyond the noise",
  };
}
