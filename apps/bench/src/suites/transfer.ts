import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { lease, output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { checkResult } from "../check-result.js";
import { adding, type Fields, fieldsInTurn } from "../fields.js";
import { bandwidth, formatSize, ms, spread, times } from "../format.js";
import { createMappedInPlace } from "../hand-tuned/mapped-in-place.js";
import { createMappedStaging } from "../hand-tuned/mapped-staging.js";
import { openReference } from "../hand-tuned/reference.js";
import { createWriteBuffer } from "../hand-tuned/write-buffer.js";
import { type Contender, interleave, type Onlooker } from "../interleave.js";
import type { Row } from "../section.js";
import type { Timing } from "../statistics.js";
import { countSteps, type Suite } from "../suite.js";

export interface TransferFigures {
  readonly size: number;
  /** The bytes of `a`, `b` and `c` together. */
  readonly byteLength: number;
  readonly paths: readonly { readonly name: string; readonly warm: Timing }[];
}

type Backend = Awaited<ReturnType<typeof openPersistentBackend>>;

/** The path that all others are compared with. */
const baseline = "tuned writeBuffer";

export const transfer: Suite<readonly TransferFigures[]> = {
  name: "transfer",
  description: "each way of getting two arrays in and one out, around the same addition",
  kernel: "field add (c = a + b, f32) from SPIR-V",
  defaultSizes: [2 ** 6, 2 ** 8, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24],
  defaultIterations: 200,
  iterationsAre: "calls of each path and size at most; fewer if they are slow",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const step = countSteps(context, sizes.length);
    const figures: TransferFigures[] = [];
    for (const size of sizes) {
      step(`transfer at ${formatSize(size)} elements, ${iterations} calls of each path at most`, size);
      figures.push(await measureSize(open, size, iterations, context));
    }
    return figures;
  },

  sections(figures) {
    return [
      ...figures.map((row) => ({ title: `Transfer at ${formatSize(row.size)} elements`, rows: pathRows(row) })),
      { title: `Transfer: medians as multiples of ${baseline}, by size`, rows: figures.map(ratioRow) },
      {
        text: `GB/s count the bytes of a, b and c. "In place" and "stage+lease" let the caller write and read mapped memory.
That is not timed, because a caller has to write and read the data anyway. All other paths start and end in the
caller's arrays.`,
      },
    ];
  },
};

async function measureSize(
  open: OpenDeviceOptions,
  size: number,
  count: number,
  onlooker: Onlooker,
): Promise<TransferFigures> {
  await using backend = await openPersistentBackend(open);
  await using reference = await openReference(open);
  const next = fieldsInTurn(size);
  const into = new Float32Array(size);
  const writeBuffer = createWriteBuffer(reference, size);
  const mapped = createMappedStaging(reference, size);
  const contenders: Contender[] = [
    adding("kiln", next, async ({ a, b }) => {
      const { c } = await backend.run(fieldAddSpirv, { a, b, c: output(Float32Array, size) });
      return c;
    }),
    adding("kiln into", next, async ({ a, b }) => {
      const { c } = await backend.run(fieldAddSpirv, { a, b, c: output(Float32Array, size, { into }) });
      return c;
    }),
    stagedAndLeased("kiln stage+lease", next, backend, size),
    adding(baseline, next, ({ a, b }) => writeBuffer.add(a, b)),
    adding("tuned mapped", next, ({ a, b }) => mapped.add(a, b)),
    inPlace("tuned in place", next, createMappedInPlace(reference, size)),
    adding("plain loop", next, async ({ a, b }) => fieldAddReference(a, b)),
  ];
  const timings = await interleave(contenders, { count, warmUpMs: 500, budgetMs: 1200, onlooker });
  const paths = contenders.map(({ name }, i) => ({ name, warm: timings[i]! }));
  return { size, byteLength: 3 * 4 * size, paths };
}

function stagedAndLeased(name: string, next: () => Fields, backend: Backend, size: number): Contender {
  return {
    name,
    async run(stopwatch) {
      const fields = next();
      stopwatch.start();
      const [a, b] = await Promise.all([backend.stage(Float32Array, size), backend.stage(Float32Array, size)]);
      stopwatch.stop();
      a.data.set(fields.a);
      b.data.set(fields.b);
      stopwatch.start();
      const { c } = await backend.run(fieldAddSpirv, { a, b, c: lease(Float32Array, size) });
      stopwatch.stop();
      checkResult(name, fields.expected, c.data);
      stopwatch.start();
      c.release();
      stopwatch.stop();
    },
  };
}

function inPlace(name: string, next: () => Fields, tuned: ReturnType<typeof createMappedInPlace>): Contender {
  return {
    name,
    async run(stopwatch) {
      const fields = next();
      stopwatch.start();
      const { a, b } = await tuned.inputs();
      stopwatch.stop();
      a.set(fields.a);
      b.set(fields.b);
      stopwatch.start();
      const c = await tuned.run();
      stopwatch.stop();
      checkResult(name, fields.expected, c);
      stopwatch.start();
      tuned.release();
      stopwatch.stop();
    },
  };
}

function baselineOf({ paths }: TransferFigures): number {
  return paths.find(({ name }) => name === baseline)!.warm.medianMs;
}

function pathRows(row: TransferFigures): Row[] {
  return row.paths.map(({ name, warm }) => ({
    path: name,
    median: ms(warm.medianMs),
    "p10 to p90": spread(warm),
    "in and out": bandwidth(row.byteLength, warm.medianMs),
    [`/ ${baseline}`]: times(warm.medianMs / baselineOf(row)),
    calls: warm.count,
  }));
}

function ratioRow(row: TransferFigures): Row {
  return {
    elements: formatSize(row.size),
    ...Object.fromEntries(row.paths.map(({ name, warm }) => [name, times(warm.medianMs / baselineOf(row))])),
  };
}
