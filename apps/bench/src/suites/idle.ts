import { setTimeout as sleep } from "node:timers/promises";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { adding, fieldsInTurn } from "../fields.js";
import { formatSize, ms, spread, times } from "../format.js";
import { createQuickerUpload } from "../hand-tuned/quicker-upload.js";
import { openReference } from "../hand-tuned/reference.js";
import { type Contender, interleave, type Onlooker, timed } from "../interleave.js";
import { type Timing, timingOf } from "../statistics.js";
import { countSteps, type Suite } from "../suite.js";

/** The same moment in the life of Kiln and of the hand-tuned code. */
interface Moment {
  readonly name: string;
  readonly kiln: Timing;
  readonly handTuned: Timing;
}

export interface IdleFigures {
  readonly size: number;
  readonly opening: Moment;
  readonly coldFirst: Moment;
  readonly warm: Moment;
  readonly afterIdle: readonly Moment[];
  /** CPU time that both used while nothing ran, as a fraction of one CPU. */
  readonly idleCpu: number;
}

/** The waits, and the share of the iterations in which each is repeated: long ones rarely. */
const waits = [
  { idleMs: 200, share: 1 },
  { idleMs: 1000, share: 0.5 },
  { idleMs: 5000, share: 0.2 },
] as const;
const warmCallsPerIteration = 20;
/** Calls between two waits: enough to bring clocks and caches back up. */
const callsBetweenWaits = 20;
const openings = 3;

export const idle: Suite<readonly IdleFigures[]> = {
  name: "idle",
  description: "the first run after 0.2, 1 and 5 s of nothing, compared with cold and warm ones",
  kernel: "field add (c = a + b, f32) from SPIR-V",
  defaultSizes: [64],
  defaultIterations: 10,
  iterationsAre: "waits of 0.2 s, half as many of 1 s and a fifth of 5 s",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const step = countSteps(context, sizes.length * (2 + waits.length));
    const figures: IdleFigures[] = [];
    for (const size of sizes) figures.push(await measureSize(open, size, iterations, context, step));
    return figures;
  },

  sections(figures) {
    const sections = figures.map(({ size, opening, coldFirst, warm, afterIdle }) => {
      const rows = [opening, coldFirst, warm, ...afterIdle].map((moment) => ({
        moment: moment.name,
        kiln: ms(moment.kiln.medianMs),
        "p10 to p90": spread(moment.kiln),
        "kiln / warm": moment === opening ? "-" : times(moment.kiln.medianMs / warm.kiln.medianMs),
        tuned: ms(moment.handTuned.medianMs),
        "its p10 to p90": spread(moment.handTuned),
        "kiln / tuned": times(moment.kiln.medianMs / moment.handTuned.medianMs),
        calls: moment.kiln.count,
      }));
      return { title: `First runs and runs after idle times, at ${formatSize(size)} elements (medians)`, rows };
    });
    const cpu = figures.map(({ idleCpu }) => `${(100 * idleCpu).toFixed(1)}%`).join(", ");
    return [
      ...sections,
      {
        text: `While nothing ran, both together used ${cpu} of one CPU. The hand-tuned code compiles when it opens, Kiln in its
first run.`,
      },
    ];
  },
};

async function measureSize(
  open: OpenDeviceOptions,
  size: number,
  iterations: number,
  onlooker: Onlooker,
  step: (text: string) => void,
): Promise<IdleFigures> {
  const at = `at ${formatSize(size)} elements`;
  step(`idle ${at}, ${openings} cold openings of each kind`);
  const [kilnCold, tunedCold] = [await measureCold(openKiln, open, size), await measureCold(openTuned, open, size)];
  await using kilnSide = await openKiln(open, size);
  await using tunedSide = await openTuned(open, size);
  const contenders = [kilnSide.contender, tunedSide.contender];
  const warmCalls = iterations * warmCallsPerIteration;
  step(`idle ${at}, ${warmCalls} warm calls of each kind`);
  const [kiln, handTuned] = await interleave(contenders, { count: warmCalls, onlooker });
  const afterIdle: Moment[] = [];
  let [cpuMs, idleMsInAll] = [0, 0];
  for (const { idleMs, share } of waits) {
    const count = Math.max(Math.round(iterations * share), 1);
    const name = `first after ${idleMs / 1000} s`;
    step(`idle ${at}, ${name}, ${count} of each kind`);
    const samples = contenders.map((): number[] => []);
    for (let i = 0; i < count; i += 1) {
      for (const [j, contender] of contenders.entries()) {
        for (let k = 0; k < callsBetweenWaits; k += 1) await timed(contender);
        const [cpu, startMs] = [process.cpuUsage(), performance.now()];
        await sleep(idleMs);
        const { user, system } = process.cpuUsage(cpu);
        cpuMs += (user + system) / 1000;
        idleMsInAll += performance.now() - startMs;
        samples[j]!.push(await timed(contender));
      }
    }
    afterIdle.push({ name, kiln: timingOf(samples[0]!), handTuned: timingOf(samples[1]!) });
  }
  return {
    size,
    opening: { name: "cold: opening", kiln: kilnCold.opening, handTuned: tunedCold.opening },
    coldFirst: { name: "cold: first run", kiln: kilnCold.first, handTuned: tunedCold.first },
    warm: { name: "warm", kiln: kiln!, handTuned: handTuned! },
    afterIdle,
    idleCpu: cpuMs / idleMsInAll,
  };
}

/** An opened backend or hand-tuned code that can add. */
interface Side extends AsyncDisposable {
  readonly contender: Contender;
}

async function openKiln(open: OpenDeviceOptions, size: number): Promise<Side> {
  const backend = await openPersistentBackend(open);
  const contender = adding("kiln", fieldsInTurn(size), async ({ a, b }) => {
    const { c } = await backend.run(fieldAddSpirv, { a, b, c: output(Float32Array, size) });
    return c;
  });
  return { contender, [Symbol.asyncDispose]: () => backend.dispose() };
}

async function openTuned(open: OpenDeviceOptions, size: number): Promise<Side> {
  const reference = await openReference(open);
  const tuned = createQuickerUpload(reference, size);
  const contender = adding("hand-tuned", fieldsInTurn(size), ({ a, b }) => tuned.add(a, b));
  return { contender, [Symbol.asyncDispose]: () => reference[Symbol.asyncDispose]() };
}

async function measureCold(openSide: typeof openKiln, open: OpenDeviceOptions, size: number) {
  const openingMs: number[] = [];
  const firstMs: number[] = [];
  for (let i = 0; i < openings; i += 1) {
    const startMs = performance.now();
    await using side = await openSide(open, size);
    openingMs.push(performance.now() - startMs);
    firstMs.push(await timed(side.contender));
  }
  return { opening: timingOf(openingMs), first: timingOf(firstMs) };
}
