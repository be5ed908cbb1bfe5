import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { checkResult } from "../check-result.js";
import { type Fields, randomFields } from "../fields.js";
import { formatSize, throughput as perSecond, spreadUs, times, us } from "../format.js";
import type { IndependentAddition } from "../hand-tuned/burst.js";
import { createCoalesced } from "../hand-tuned/coalesced.js";
import { createQuickerUpload } from "../hand-tuned/quicker-upload.js";
import { openReference } from "../hand-tuned/reference.js";
import { createSlots } from "../hand-tuned/slots.js";
import { type Contender, interleave, type Onlooker } from "../interleave.js";
import { scaled, type Timing } from "../statistics.js";
import { countSteps, type Suite } from "../suite.js";

export interface ThroughputFigures {
  readonly size: number;
  /** Runs that were requested at once. */
  readonly inFlight: number;
  /** The time of a burst, divided by the runs in it. */
  readonly perRun: {
    readonly kiln: Timing;
    readonly oneAtATime: Timing;
    readonly slots: Timing;
    readonly coalesced: Timing;
  };
}

const depths = [1, 4, 16, 256, 1024];
/** The arrays of one burst. Each contender also holds as much on the device, some of them twice as much. */
const maxBurstByteLength = 256 * 2 ** 20;
/** Pairs of inputs that the runs of a burst use in turn. */
const maxInputs = 16;

export const throughput: Suite<readonly ThroughputFigures[]> = {
  name: "throughput",
  description: `many small runs: ${depths.join(", ")} requested at once`,
  kernel: "field add (c = a + b, f32) from SPIR-V",
  defaultSizes: [64, 2 ** 16],
  defaultIterations: 100,
  iterationsAre: "bursts of each size and depth at most; fewer if they are slow",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const bursts = sizes.flatMap((size) => depths.map((inFlight) => ({ size, inFlight }))).filter(isSmallEnough);
    const step = countSteps(context, bursts.length);
    const figures: ThroughputFigures[] = [];
    for (const { size, inFlight } of bursts) {
      step(`throughput at ${formatSize(size)} elements, ${inFlight} in flight, ${iterations} bursts at most`, size);
      figures.push(await measureDepth(open, size, inFlight, iterations, context));
    }
    return figures;
  },

  sections(figures) {
    const sizes = [...new Set(figures.map(({ size }) => size))];
    return [
      ...sizes.flatMap((size) => {
        const rows = figures.filter((row) => row.size === size);
        return [
          { title: `Throughput at ${formatSize(size)} elements: time a run (medians)`, rows: rows.map(timesOf) },
          { title: `Throughput at ${formatSize(size)} elements: runs a second`, rows: rows.map(ratesOf) },
        ];
      }),
      {
        text: `Kiln's runs are requested in one tick, and results go into existing arrays, as with every way here. Bursts of
more than 256 MiB of arrays are left out.`,
      },
    ];
  },
};

function isSmallEnough({ size, inFlight }: Pick<ThroughputFigures, "size" | "inFlight">): boolean {
  return inFlight === 1 || inFlight * size * 12 <= maxBurstByteLength;
}

async function measureDepth(
  open: OpenDeviceOptions,
  size: number,
  inFlight: number,
  count: number,
  onlooker: Onlooker,
): Promise<ThroughputFigures> {
  await using backend = await openPersistentBackend(open);
  await using reference = await openReference(open);
  const inputs = Array.from({ length: Math.min(inFlight, maxInputs) }, () => randomFields(size));
  const runs = Array.from({ length: inFlight }, (_, i) => ({
    ...inputs[i % inputs.length]!,
    c: new Float32Array(size),
  }));
  const bindings = runs.map(({ a, b, c }) => ({ a, b, c: output(Float32Array, size, { into: c }) }));
  const tuned = createQuickerUpload(reference, size);
  const slots = createSlots(reference, size, inFlight);
  const coalesced = createCoalesced(reference, size, inFlight);
  const timings = await interleave(
    [
      bursting("kiln", runs, () => Promise.all(bindings.map((bound) => backend.run(fieldAddSpirv, bound)))),
      bursting("tuned, one at a time", runs, async () => {
        for (const { a, b, c } of runs) await tuned.add(a, b, c);
      }),
      bursting("tuned, slots", runs, () => slots.addAll(runs)),
      bursting("tuned, coalesced", runs, () => coalesced.addAll(runs)),
    ],
    { count, warmUpMs: 500, budgetMs: 1000, onlooker },
  );
  const [kiln, oneAtATime, slotted, together] = timings.map((timing) => scaled(timing, 1 / inFlight));
  return {
    size,
    inFlight,
    perRun: { kiln: kiln!, oneAtATime: oneAtATime!, slots: slotted!, coalesced: together! },
  };
}

/** Times all runs of a burst together; then checks each result and overwrites it with zeros for the next contender. */
function bursting(
  name: string,
  runs: readonly (Fields & IndependentAddition)[],
  addAll: () => Promise<unknown>,
): Contender {
  return {
    name,
    async run(stopwatch) {
      stopwatch.start();
      await addAll();
      stopwatch.stop();
      for (const { expected, c } of runs) {
        checkResult(name, expected, c);
        c.fill(0);
      }
    },
  };
}

function timesOf({ inFlight, perRun }: ThroughputFigures) {
  return {
    "in flight": inFlight,
    kiln: us(perRun.kiln.medianMs),
    "p10 to p90": spreadUs(perRun.kiln),
    "tuned, one at a time": us(perRun.oneAtATime.medianMs),
    "tuned, slots": us(perRun.slots.medianMs),
    "tuned, coalesced": us(perRun.coalesced.medianMs),
  };
}

function ratesOf({ inFlight, perRun }: ThroughputFigures) {
  return {
    "in flight": inFlight,
    kiln: perSecond(1, perRun.kiln.medianMs),
    "tuned, one at a time": perSecond(1, perRun.oneAtATime.medianMs),
    "tuned, slots": perSecond(1, perRun.slots.medianMs),
    "tuned, coalesced": perSecond(1, perRun.coalesced.medianMs),
    "kiln / one at a time": times(perRun.oneAtATime.medianMs / perRun.kiln.medianMs),
  };
}
