import { type ComputeBackend, output } from "@kiln-gpu/core";
import { fieldAdd, matrixProductReference, runMatrixProduct } from "@kiln-gpu/kernels";
import { checkResult } from "../check-result.js";
import { randomFields } from "../fields.js";
import { formatSize, throughput as perSecond, spreadUs, times, us } from "../format.js";
import { type Contender, interleave } from "../interleave.js";
import { places } from "../scale/places.js";
import { scaled, type Timing } from "../statistics.js";
import { countSteps, type Suite } from "../suite.js";

export interface ScaleFigures {
  /** What each run computes. */
  readonly work: string;
  /** Runs that were requested at once. */
  readonly inFlight: number;
  /** The time of a burst, divided by the runs in it, by the name of the place. */
  readonly perRun: { readonly [place: string]: Timing };
}

interface Work {
  readonly text: string;
  readonly size: number;
  /** Runs once on a backend, and returns what checks the results. */
  readonly run: (backend: ComputeBackend) => Promise<() => void>;
}

const depths = [1, 64];
/** The arrays of one burst. */
const maxBurstByteLength = 64 * 2 ** 20;
/** Much work for few bytes. */
const matrixLength = 256;

export const scale: Suite<readonly ScaleFigures[]> = {
  name: "scale",
  description: `where runs are executed: ${places.map(({ name }) => name).join(", ")}`,
  kernel: `field add (c = a + b, f32), and a matrix product of ${matrixLength}x${matrixLength}`,
  defaultSizes: [2 ** 10, 2 ** 16, 2 ** 20],
  defaultIterations: 200,
  iterationsAre: "bursts of each kind at most; fewer if they are slow",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const works = [...sizes.map(addition), product()];
    const bursts = works.flatMap((work) => depths.map((inFlight) => ({ work, inFlight }))).filter(isSmallEnough);
    const step = countSteps(context, bursts.length);
    const backends: ComputeBackend[] = [];
    try {
      for (const place of places) backends.push(await place.open(open));
      const figures: ScaleFigures[] = [];
      for (const { work, inFlight } of bursts) {
        step(`scale, ${work.text}, ${inFlight} in flight, ${iterations} bursts at most`, work.size);
        const contenders = places.map(({ name }, i) => bursting(name, backends[i]!, work, inFlight));
        const limits = { count: iterations, warmUpMs: 1000, budgetMs: 1500, onlooker: context };
        const timings = await interleave(contenders, limits);
        const perRun = places.map(({ name }, i) => [name, scaled(timings[i]!, 1 / inFlight)] as const);
        figures.push({ work: work.text, inFlight, perRun: Object.fromEntries(perRun) });
      }
      return figures;
    } finally {
      for (const backend of backends) await backend.dispose();
    }
  },

  sections(figures) {
    return [
      { title: "Time a run (medians; p10 to p90)", rows: figures.map(timesOf) },
      { title: "Runs a second", rows: figures.map(ratesOf) },
      { text: "Results are new arrays everywhere. Bursts of more than 64 MiB of arrays are left out." },
    ];
  },
};

function addition(size: number): Work {
  const { a, b, expected } = randomFields(size);
  const bindings = { a, b, c: output(Float32Array, size) };
  return {
    text: `${formatSize(size)} elements`,
    size,
    run: async (backend) => {
      const { c } = await backend.run(fieldAdd, bindings);
      return () => checkResult("Field add", expected, c);
    },
  };
}

function product(): Work {
  const size = matrixLength ** 2;
  // All terms are positive, so nothing cancels.
  const [a, b] = [0, 1].map(() => Float32Array.from({ length: size }, () => 0.5 + Math.random())) as [
    Float32Array,
    Float32Array,
  ];
  const dims = { m: matrixLength, k: matrixLength, n: matrixLength };
  const expected = matrixProductReference(a, b, dims);
  return {
    text: `matrix product, ${matrixLength}`,
    size,
    run: async (backend) => {
      const c = await runMatrixProduct(backend, a, b, dims);
      return () => checkResult("Matrix product", expected, c, 1e-5);
    },
  };
}

function isSmallEnough({ work, inFlight }: { readonly work: Work; readonly inFlight: number }): boolean {
  return inFlight === 1 || inFlight * work.size * 12 <= maxBurstByteLength;
}

/** Times all runs of a burst together, and checks each result afterwards. */
function bursting(name: string, backend: ComputeBackend, work: Work, inFlight: number): Contender {
  return {
    name,
    async run(stopwatch) {
      stopwatch.start();
      const checks = await Promise.all(Array.from({ length: inFlight }, () => work.run(backend)));
      stopwatch.stop();
      for (const check of checks) check();
    },
  };
}

function timesOf({ work, inFlight, perRun }: ScaleFigures) {
  const [{ name: first }, ...others] = places;
  const { medianMs } = perRun[first]!;
  return {
    work,
    "in flight": inFlight,
    [first]: `${us(medianMs)} (${spreadUs(perRun[first]!)})`,
    ...Object.fromEntries(
      others.flatMap(({ name }) => [
        [name, `${us(perRun[name]!.medianMs)} (${spreadUs(perRun[name]!)})`],
        [`${name} - ${first}`, us(perRun[name]!.medianMs - medianMs)],
      ]),
    ),
  };
}

function ratesOf({ work, inFlight, perRun }: ScaleFigures) {
  const [{ name: first }, ...others] = places;
  const { medianMs } = perRun[first]!;
  return {
    work,
    "in flight": inFlight,
    [first]: perSecond(1, medianMs),
    ...Object.fromEntries(
      others.flatMap(({ name }) => [
        [name, perSecond(1, perRun[name]!.medianMs)],
        [`${name} / ${first}`, times(medianMs / perRun[name]!.medianMs)],
      ]),
    ),
  };
}
