/**
 * The calls of a persistent backend that fast-check draws: any number, in any order, whether earlier ones have settled
 * or not.
 */
import { type ComputeErrorCode, lease, output, type RunOptions } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { combine, combined, expectSame, RandomData, step, stepped } from "@kiln-gpu/test-support";
import fc from "fast-check";
import type { HeldArray } from "./array-worlds.js";
import type { Trial } from "./backend-trial.js";

/** Starts an operation without awaiting it. */
type Act = (trial: Trial, data: RandomData) => void;

/** The length of data outside resident arrays. */
const maxLength = 300;

const pick = <T>(from: readonly T[], data: RandomData): T | undefined => from[data.upTo(from.length) - 1];
const flip = (data: RandomData) => data.upTo(2) === 1;

/** Waits for a few microtasks or some turns of the event loop. */
async function wait(data: RandomData): Promise<void> {
  const turns = data.upTo(8);
  if (flip(data)) for (let i = 0; i < turns; i += 1) await undefined;
  else await new Promise((resolve) => setTimeout(resolve, turns - 1));
}

type Leaving = Pick<RunOptions, "signal" | "timeoutMs">;

const leaves: { readonly [how: string]: (data: RandomData) => Leaving } = {
  stays: () => ({}),
  "aborts before": () => ({ signal: AbortSignal.abort() }),
  "aborts meanwhile"(data) {
    const controller = new AbortController();
    wait(data).then(() => controller.abort());
    return { signal: controller.signal };
  },
  "waits for a moment": (data) => ({ timeoutMs: data.upTo(5) }),
  "waits for long": () => ({ timeoutMs: 1e6 }),
};

const runOfCombine = (how: keyof typeof leaves, isProfiled: boolean): Act => {
  return (trial, data) => {
    const [x, y] = twoOf(data);
    const leaving = leaves[how]!(data);
    trial.begin({
      what: `run that ${how}`,
      work: async () => {
        const options = { ...leaving, profile: isProfiled };
        return (await trial.backend.run(combine, { x, y, z: output(Uint32Array, x.length) }, options)).z;
      },
      retries: trial.settings.lossRetries,
      ...leaving,
      check: (z) => expectSame(z, combined(x, y)),
    });
  };
};

const runOfFieldAdd: Act = (trial, data) => {
  const a = data.floats(data.upTo(maxLength));
  const b = data.floats(a.length);
  const into = new Float32Array(a.length);
  trial.begin({
    what: "run of field add",
    work: async () => (await trial.backend.run(fieldAdd, { a, b, c: output(Float32Array, a.length, { into }) })).c,
    retries: trial.settings.lossRetries,
    check: (c) => expectSame(c, fieldAddReference(a, b)),
  });
};

/** Aborting a signal after its run must change nothing. */
const abortAfter: Act = (trial, data) => {
  const [x, y] = twoOf(data);
  const controller = new AbortController();
  trial.begin({
    what: "run that is aborted after its end",
    work: async () => {
      const { signal } = controller;
      const { z } = await trial.backend.run(combine, { x, y, z: output(Uint32Array, x.length) }, { signal });
      controller.abort();
      return z;
    },
    retries: trial.settings.lossRetries,
    check: (z) => expectSame(z, combined(x, y)),
  });
};

const runWithLease = (how: keyof typeof leaves): Act => {
  return (trial, data) => {
    const [x, y] = twoOf(data);
    const leaving = leaves[how]!(data);
    const { losses } = trial;
    trial.begin({
      what: `run with a lease that ${how}`,
      async work() {
        const { z } = await trial.backend.run(combine, { x, y, z: lease(Uint32Array, x.length) }, leaving);
        trial.keepLease({ lease: z, expected: combined(x, y), losses });
      },
      retries: trial.settings.lossRetries,
      ...leaving,
    });
  };
};

const runWithStaged = (isReleased: boolean): Act => {
  return (trial, data) => {
    const [x, y] = twoOf(data);
    trial.begin({
      what: "run with staged memory",
      async work() {
        using staged = await trial.backend.stage(Uint32Array, x.length);
        staged.data.set(x);
        await wait(data);
        if (isReleased) return combined(x, y);
        return (await trial.backend.run(combine, { x: staged, y, z: output(Uint32Array, x.length) })).z;
      },
      check: (z) => expectSame(z, combined(x, y)),
    });
  };
};

const prepare: Act = (trial, data) => {
  const isCombine = flip(data);
  trial.begin({
    what: `preparation of ${isCombine ? combine.label : step.label}`,
    work: () => (isCombine ? trial.backend.prepare(combine) : trial.backend.prepare(step)),
    retries: trial.settings.lossRetries,
  });
};

const refuse = (code: ComputeErrorCode): Act => {
  return (trial, data) => {
    const [x, y] = twoOf(data);
    const z = output(Uint32Array, x.length);
    const { backend } = trial;
    const work: { readonly [code: string]: () => Promise<unknown> } = {
      "invalid-binding": () => backend.run(combine, { x, y, z: output(Float32Array, x.length) } as never),
      "limit-exceeded": () => {
        const length = trial.settings.byteBudget / 4 + 1;
        return flip(data)
          ? backend.run(combine, { x, y, z: output(Uint32Array, length) })
          : backend.array(Uint32Array, length);
      },
      "invalid-option": () => backend.run(combine, { x, y, z }, { timeoutMs: -1 }),
    };
    const retries = trial.settings.lossRetries;
    trial.begin({ what: `call that is refused with ${code}`, work: work[code]!, refusal: code, retries });
  };
};

const makeArray = (isRecoverable: boolean): Act => {
  return (trial, data) => {
    const { backend, settings, losses } = trial;
    const elements = isRecoverable || flip(data) ? data.words(settings.length) : undefined;
    const name = `array ${trial.nameNext()}`;
    trial.begin({
      what: `making of ${name}`,
      async work() {
        const handle = elements
          ? await backend.array(elements, { recoverable: isRecoverable })
          : await backend.array(Uint32Array, settings.length);
        const array = { name, handle, losses, survives: isRecoverable, isDisposed: trial.isDisposed };
        trial.keepArray(array, elements ?? new Uint32Array(settings.length));
      },
      retries: settings.lossRetries,
    });
  };
};

type ArrayAct = (trial: Trial, data: RandomData, array: HeldArray) => void;

/** Uses one of the arrays, or creates the first one. */
const withArray = (act: ArrayAct): Act => {
  return (trial, data) => {
    const array = pick(trial.arrays, data);
    if (array) act(trial, data, array);
    else makeArray(flip(data))(trial, data);
  };
};

const readArray = (how: "read" | "lease"): ArrayAct => {
  return (trial, data, array) => {
    const [start, length] = rangeOf(trial, data);
    trial[how](array, start, length);
  };
};

const writeArray: ArrayAct = (trial, data, array) => {
  const [start, length] = rangeOf(trial, data);
  const elements = data.words(length);
  trial.begin({
    what: `write of ${array.name} from ${start}, ${length}`,
    work: () => array.handle.write(elements, start),
    arrays: [array],
    change: () => (world) => {
      const written = world.get(array)!.slice();
      written.set(elements, start);
      world.set(array, written);
      return true;
    },
  });
};

const copyArray: ArrayAct = (trial, data, array) => {
  const source = pick(
    trial.arrays.filter((other) => other !== array),
    data,
  );
  if (!source) return;
  const [start, length] = rangeOf(trial, data);
  const target = data.upTo(trial.settings.length - length + 1) - 1;
  array.survives = false;
  trial.begin({
    what: `copy from ${source.name} to ${array.name}`,
    work: () => array.handle.copyFrom(source.handle, { start, length }, target),
    arrays: [source, array],
    change: () => (world) => {
      const written = world.get(array)!.slice();
      written.set(world.get(source)!.subarray(start, start + length), target);
      world.set(array, written);
      return true;
    },
  });
};

/** @param lasts Whether the use goes on after its commands have been submitted. */
const useArray =
  (lasts: boolean): ArrayAct =>
  (trial, data, array) => {
    const at = data.upTo(trial.settings.length) - 1;
    // Drawn now: when the function is called depends on other work.
    const own = new RandomData(data.upTo(2 ** 30));
    array.survives = false;
    trial.begin({
      what: `use of ${array.name}${lasts ? " that lasts" : ""}`,
      work: () =>
        array.handle.use((buffer, encoder) => {
          encoder.clearBuffer(buffer, at * 4, 4);
          return lasts ? wait(own) : undefined;
        }),
      arrays: [array],
      change: () => (world) => {
        world.set(
          array,
          world.get(array)!.map((word, i) => (i === at ? 0 : word)),
        );
        return true;
      },
    });
  };

const stepArray = (how: keyof typeof leaves): Act =>
  withArray((trial, data, array) => {
    const factor = data.upTo(1000);
    const leaving = leaves[how]!(data);
    array.survives = false;
    trial.begin({
      what: `step of ${array.name} that ${how}`,
      work: () => trial.backend.run(step, { factor, y: array.handle }, leaving),
      arrays: [array],
      ...leaving,
      change: () => (world) => {
        world.set(array, stepped(world.get(array)!, factor));
        return true;
      },
    });
  });

const combineArrays: ArrayAct = (trial, data, x) => {
  const y = pick(trial.arrays, data)!;
  trial.begin({
    what: `combination of ${x.name} and ${y.name}`,
    async work() {
      const bindings = { x: x.handle, y: y.handle, z: output(Uint32Array, trial.settings.length) };
      return (await trial.backend.run(combine, bindings)).z;
    },
    arrays: [x, y],
    // Runs that only read arrays are repeated once the arrays are restored.
    retries: x.survives && y.survives ? trial.settings.lossRetries : 0,
    change: (z) => (world) => isSame(z, combined(world.get(x)!, world.get(y)!)),
  });
};

const disposeArray: ArrayAct = (_, __, array) => {
  array.isDisposed = true;
  array.handle.dispose();
};

const recordSequence: ArrayAct = (trial, data, y) => {
  const { losses, settings } = trial;
  const addend = data.words(settings.length);
  const count = data.upTo(3);
  const parameters = { factor: 1, z: output(Uint32Array, settings.length) };
  trial.begin({
    what: `recording over ${y.name}`,
    async work() {
      const sequence = await trial.backend.record(parameters, (run, { factor, z }) => {
        for (let i = 0; i < count; i += 1) run(step, { factor, y: y.handle });
        run(combine, { x: y.handle, y: addend, z });
      });
      trial.sequences.push({ sequence, array: y, count, addend, losses });
    },
    arrays: [y],
    retries: settings.lossRetries,
  });
};

const replaySequence = (how: keyof typeof leaves): Act => {
  return (trial, data) => {
    const held = pick(trial.sequences, data);
    if (!held) return withArray(recordSequence)(trial, data);
    const { sequence, array, count, addend, losses } = held;
    const factor = data.upTo(1000);
    const leaving = leaves[how]!(data);
    array.survives = false;
    trial.begin({
      what: `replay over ${array.name} that ${how}`,
      work: async () => (await sequence.replay({ factor }, leaving)).z,
      arrays: [array],
      losses,
      ...leaving,
      change: (z) => (world) => {
        let y = world.get(array)!;
        for (let i = 0; i < count; i += 1) y = stepped(y, factor);
        world.set(array, y);
        return isSame(z, combined(y, addend));
      },
    });
  };
};

const disposeSequence: Act = (trial, data) => {
  const held = pick(trial.sequences, data);
  if (!held) return;
  trial.sequences.splice(trial.sequences.indexOf(held), 1);
  held.sequence.dispose();
};

const lose: Act = (trial) => trial.devices.lose();

const loseLater: Act = (trial, data) => trial.later(wait(data).then(() => trial.devices.lose()));

/** Acts inside the listener, while others may be waiting for the same device. */
const when = (event: "lost" | "recovered", act: Act): Act => {
  return (trial, data) => {
    const forget = trial.backend.on(event, () => {
      forget();
      act(trial, data);
    });
  };
};

function twoOf(data: RandomData): [Uint32Array, Uint32Array] {
  const x = data.words(data.upTo(maxLength));
  return [x, data.words(x.length)];
}

function rangeOf({ settings }: Trial, data: RandomData): [start: number, length: number] {
  const start = data.upTo(settings.length) - 1;
  return [start, data.upTo(settings.length - start)];
}

function isSame(given: Uint32Array | undefined, expected: Uint32Array): boolean {
  return given === undefined || (given.length === expected.length && expected.every((value, i) => value === given[i]));
}

const acts: { readonly [name: string]: Act } = Object.fromEntries<Act>([
  ...Object.keys(leaves).flatMap((how): [string, Act][] => [
    [`run, ${how}`, runOfCombine(how, false)],
    [`profiled run, ${how}`, runOfCombine(how, true)],
    [`lease, ${how}`, runWithLease(how)],
    [`step, ${how}`, stepArray(how)],
    [`replay, ${how}`, replaySequence(how)],
  ]),
  ["run of field add", runOfFieldAdd],
  ["run, aborts after", abortAfter],
  ["staged", runWithStaged(false)],
  ["staged and released", runWithStaged(true)],
  ["prepare", prepare],
  ["invalid binding", refuse("invalid-binding")],
  ["limit exceeded", refuse("limit-exceeded")],
  ["invalid option", refuse("invalid-option")],
  ["array", makeArray(false)],
  ["recoverable array", makeArray(true)],
  ["read", withArray(readArray("read"))],
  ["lease of an array", withArray(readArray("lease"))],
  ["write", withArray(writeArray)],
  ["copy", withArray(copyArray)],
  ["use", withArray(useArray(false))],
  ["use that lasts", withArray(useArray(true))],
  ["combine arrays", withArray(combineArrays)],
  ["dispose array", withArray(disposeArray)],
  ["record", withArray(recordSequence)],
  ["dispose sequence", disposeSequence],
  ["lose later", loseLater],
  ["write when lost", when("lost", withArray(writeArray))],
  ["combine arrays when lost", when("lost", withArray(combineArrays))],
  ["write when recovered", when("recovered", withArray(writeArray))],
  ["step when recovered", when("recovered", stepArray("stays"))],
]);

const pauses: { readonly [name: string]: (trial: Trial, data: RandomData) => Promise<void> | undefined } = {
  "at once": () => undefined,
  "after a moment": (_, data) => wait(data),
  "after all": (trial) => trial.settle(),
};

type Command = fc.AsyncCommand<Trial, Trial>;

const command = (names: readonly string[], pause: string, seed: number, act: Act): Command => ({
  check: () => true,
  toString: () => `${names.join(" + ")} (${seed}), next ${pause}`,
  async run(trial) {
    const data = new RandomData(seed);
    act(trial, data);
    await pauses[pause]!(trial, data);
  },
});

const seeds = fc.nat({ max: 2 ** 31 - 1 });
const pauseNames = fc.constantFrom(...Object.keys(pauses));

const actions = fc
  .tuple(fc.array(fc.constantFrom(...Object.keys(acts)), { minLength: 1, maxLength: 5 }), pauseNames, seeds)
  .map(([names, pause, seed]) =>
    command(names, pause, seed, (trial, data) => {
      for (const name of names) acts[name]!(trial, data);
    }),
  );

const single = (name: string, act: Act) => fc.tuple(pauseNames, seeds).map(([p, s]) => command([name], p, s, act));

const endLeases = single("end leases", (trial) => trial.endLeases());

const idle = seeds.map(
  (seed): Command => ({ check: () => true, toString: () => `idle (${seed})`, run: (trial) => trial.idle() }),
);

/** Sequences of calls. Losses are rare because they take most time, and disposals because little happens after them. */
export const anyCommands = fc.commands(
  [
    actions,
    actions,
    actions,
    actions,
    actions,
    actions,
    single("lose", lose),
    endLeases,
    idle,
    single("dispose", (trial, data) => {
      // Rare, because little happens after it.
      if (data.upTo(3) === 1) trial.dispose();
    }),
  ],
  { maxCommands: 10, size: "max" },
);
