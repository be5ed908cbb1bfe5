import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import { checkResult } from "../check-result.js";
import { type Fields, randomFields } from "../fields.js";
import { formatSize, spreadUs, times, us } from "../format.js";
import { createChain } from "../hand-tuned/chain.js";
import { openReference } from "../hand-tuned/reference.js";
import { type Contender, interleave, type Onlooker } from "../interleave.js";
import { scaled, type Timing } from "../statistics.js";
import type { Stopwatch } from "../stopwatch.js";
import { countSteps, type Suite } from "../suite.js";

export interface ChainFigures {
  readonly size: number;
  readonly dispatches: number;
  /** The time of a chain, divided by its dispatches. */
  readonly ways: readonly { readonly name: string; readonly perDispatch: Timing }[];
}

/** One way to run a chain. */
interface Way {
  readonly name: string;
  /** Times the chain, by the clock of the host or of the device. */
  run(stopwatch: Stopwatch): Promise<void>;
  /** The last sum. */
  read(): Promise<Float32Array>;
  /** Overwrites all sums, so that none can pass for a sum of the next chain. */
  clear(): unknown;
}

const lengths = [1, 10, 100, 1000];
/** Longer chains would take seconds through the host, with the same result. */
const maxHostLength = 100;
/** The way that all others are compared with. */
const baseline = "tuned";

export const chain: Suite<readonly ChainFigures[]> = {
  name: "chain",
  description: `${lengths.join(", ")} dispatches over arrays that stay on the GPU`,
  kernel: "field add (c = a + b, f32) from SPIR-V",
  defaultSizes: [2 ** 16],
  defaultIterations: 200,
  iterationsAre: "chains of each way, size and length at most; fewer if they are slow",

  async measure(context) {
    const { open, sizes, iterations } = context;
    const step = countSteps(context, sizes.length * lengths.length);
    const figures: ChainFigures[] = [];
    for (const size of sizes) {
      for (const length of lengths) {
        step(`chain of ${length} at ${formatSize(size)} elements, ${iterations} of each way at most`, size);
        figures.push(await measureChain(open, size, length, iterations, context));
      }
    }
    return figures;
  },

  sections(figures) {
    return [
      ...figures.map((row) => ({
        title: `Chain of ${row.dispatches} at ${formatSize(row.size)} elements: time a dispatch`,
        rows: row.ways.map((way) => rowOf(way, row)),
      })),
      {
        text: `Each dispatch adds to the sum of the previous one; a chain is timed until the device is done with it. "Sequence"
is recorded once and replayed, "at once" requests all runs in one tick, "through the host" brings two arrays in and
one out for each dispatch. "Tuned" is one pass with kept bind groups inside an error scope, "bare" is the same
without the scope. "On the device" is by the device's clock, if it has one; such clocks are as coarse as 0.1 ms,
so only long chains count.`,
      },
    ];
  },
};

async function measureChain(
  open: OpenDeviceOptions,
  size: number,
  length: number,
  count: number,
  onlooker: Onlooker,
): Promise<ChainFigures> {
  await using backend = await openPersistentBackend(open);
  await using reference = await openReference(open);
  const fields = randomFields(size);
  let { expected } = fields;
  for (let i = 1; i < length; i += 1) expected = fieldAddReference(expected, fields.b);
  const tuned = (promises: boolean) => {
    const { run, ...sums } = createChain(reference, fields, length, promises);
    return { run: byHost(run), ...sums };
  };
  const ways: Way[] = [
    ...(await residentWays(backend, fields, length)),
    ...(length <= maxHostLength ? [throughHost(backend, fields, length)] : []),
    { name: baseline, ...tuned(true) },
    { name: "tuned, bare", ...tuned(false) },
  ];
  const contenders = ways.map((way) => chaining(way, expected));
  const timings = await interleave(contenders, { count, warmUpMs: 500, budgetMs: 1000, onlooker });
  return {
    size,
    dispatches: length,
    ways: ways.map(({ name }, i) => ({ name, perDispatch: scaled(timings[i]!, 1 / length) })),
  };
}

function chaining({ name, run, read, clear }: Way, expected: Float32Array): Contender {
  return {
    name,
    async run(stopwatch) {
      await run(stopwatch);
      checkResult(name, expected, await read());
      await clear();
    },
  };
}

/** Times the whole of `run`. */
function byHost(run: () => Promise<unknown>): Way["run"] {
  return async (stopwatch) => {
    stopwatch.start();
    await run();
    stopwatch.stop();
  };
}

/** Kiln's ways over resident arrays; all use the same arrays. */
async function residentWays(backend: PersistentComputeBackend, fields: Fields, length: number): Promise<Way[]> {
  const [a, b] = [await backend.array(fields.a), await backend.array(fields.b)];
  const zeros = await backend.array(Float32Array, a.length);
  const sums = [await backend.array(Float32Array, a.length), await backend.array(Float32Array, a.length)] as const;
  const bindings = Array.from({ length }, (_, i) => ({ a: i === 0 ? a : sums[(i - 1) % 2]!, b, c: sums[i % 2]! }));
  const sequence = await backend.record({}, (run) => {
    for (const bound of bindings) run(fieldAddSpirv, bound);
  });
  const results = {
    read: () => sums[(length - 1) % 2]!.read(),
    clear: () => Promise.all(sums.map((sum) => sum.copyFrom(zeros))),
  };
  const onDevice: Way = {
    name: "kiln sequence, on the device",
    async run(stopwatch) {
      const { profile } = await sequence.replay({}, { profile: true });
      stopwatch.add(profile.gpuTimeNs! / 1e6);
    },
    ...results,
  };
  return [
    { name: "kiln sequence", run: byHost(() => sequence.replay()), ...results },
    ...(backend.device.features.includes("timestamp-query") ? [onDevice] : []),
    {
      name: "kiln at once",
      run: byHost(() => Promise.all(bindings.map((bound) => backend.run(fieldAddSpirv, bound)))),
      ...results,
    },
  ];
}

function throughHost(backend: PersistentComputeBackend, { a, b }: Fields, length: number): Way {
  const sums = [new Float32Array(a.length), new Float32Array(a.length)] as const;
  return {
    name: "kiln through the host",
    run: byHost(async () => {
      let from = a;
      for (let i = 0; i < length; i += 1) {
        const into = sums[i % 2]!;
        await backend.run(fieldAddSpirv, { a: from, b, c: output(Float32Array, a.length, { into }) });
        from = into;
      }
    }),
    read: async () => sums[(length - 1) % 2]!,
    clear() {
      for (const sum of sums) sum.fill(0);
    },
  };
}

function rowOf({ name, perDispatch }: ChainFigures["ways"][number], { ways }: ChainFigures) {
  const tuned = ways.find((way) => way.name === baseline)!.perDispatch;
  return {
    way: name,
    median: us(perDispatch.medianMs),
    "p10 to p90": spreadUs(perDispatch),
    [`/ ${baseline}`]: times(perDispatch.medianMs / tuned.medianMs),
    chains: perDispatch.count,
  };
}
