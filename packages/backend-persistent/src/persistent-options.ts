import { ComputeError, type Tracer } from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames } from "@kiln-gpu/core/backend";
import { type TranslatorOptions, translatorOptionNames } from "@kiln-gpu/shader";
import type { StoreOptions } from "@kiln-gpu/store";
import { deviceOptionNames, deviceOptionsOf, type OpenDeviceOptions } from "@kiln-gpu/webgpu";
import type { KeepLimits } from "./device/keep-limits.js";
import type { Leak } from "./memory/holders.js";

export interface PersistentBackendOptions extends OpenDeviceOptions, TranslatorOptions, Partial<KeepLimits> {
  /**
   * Where translations, reflection, tuning results and manifests are stored for later processes. `true`, the default,
   * is the platform's cache folder; `false` stores nothing; options name another place.
   */
  readonly store?: boolean | StoreOptions;
  /**
   * A name for what this program compiles, such as "my-service". The backend compiles what earlier processes compiled
   * under that name at once, in parallel, while the first runs come. It adds what this process compiles to the store.
   */
  readonly warmUp?: string;
  /**
   * When runs are submitted. `throughput`, the default, lets the runs of one tick share a submission, on the next
   * microtask. `latency` submits inside the call, unless `maxSubmissions` are in flight.
   */
  readonly mode?: "throughput" | "latency";
  /**
   * Called once for each lease, staged memory, resident array, sequence and backend that was dropped without being
   * released or disposed, with the call that made it. `true` reports them on the console. The default is `true`, except
   * where `NODE_ENV` is `production`, since remembering the call takes time.
   */
  readonly leakDetection?: boolean | ((leak: Leak) => void);
  /**
   * Whether the backend opens another device when this one is lost; the default is `true`, except for a caller's own
   * device. The backend prepares again what was prepared, and uploads arrays that are `recoverable`.
   */
  readonly recovery?: boolean;
  /**
   * How often a run that was lost with its device is repeated on another. Only a run that still has
   * everything on the host is repeated; others reject with `device-lost`.
   * @default 1
   */
  readonly lossRetries?: number;
  /** Receives runs, submissions and their phases, and what happens to the device. Without a tracer nothing is noted. */
  readonly tracer?: Tracer;
}

/**
 * With `poisonMemory: true` Kiln's own tests have all memory filled with a pattern before each use. It is not declared:
 * outputs and temporaries begin as zeros, so the pattern tells a user nothing.
 */
interface TestOptions {
  readonly poisonMemory?: boolean;
}

/** The checked options, each with its default. */
export interface CheckedOptions {
  /** Those of `openDevice`, which checks their values. */
  readonly device: OpenDeviceOptions;
  readonly limits: KeepLimits;
  readonly store: StoreOptions;
  readonly isImmediate: boolean;
  readonly onLeak: ((leak: Leak) => void) | undefined;
  readonly recovery: boolean;
  readonly lossRetries: number;
  readonly isPoisoned: boolean;
}

const defaultLimits: KeepLimits = {
  byteBudget: 2 * 2 ** 30,
  memoryWaitMs: 10_000,
  maxIdleMs: 30_000,
  maxPipelines: 256,
  maxDescriptorSets: 2048,
  maxDescriptors: 8192,
  maxSubmissions: 3,
  graceMs: 2000,
  deadlineMs: Number.POSITIVE_INFINITY,
  maxAbandoned: 4,
};

interface Rule {
  readonly expected: string;
  readonly allows: (given: unknown) => boolean;
}

const isBoolean = (given: unknown) => typeof given === "boolean";

const amount: Rule = { expected: "a number, 1 or more", allows: (given) => typeof given === "number" && given >= 1 };
const count: Rule = {
  expected: "a whole number, 1 or more",
  allows: (given) => Number.isInteger(given) && (given as number) >= 1,
};
const flag: Rule = { expected: "true or false", allows: isBoolean };

type CheckedElsewhere = keyof OpenDeviceOptions | keyof TranslatorOptions | "tracer";

/** What opens the device, translates SPIR-V and keeps the ledger of runs checks its own options. */
const rules: Readonly<Record<Exclude<keyof PersistentBackendOptions, CheckedElsewhere>, Rule>> = {
  byteBudget: amount,
  memoryWaitMs: amount,
  maxIdleMs: amount,
  maxPipelines: count,
  maxDescriptorSets: count,
  maxDescriptors: count,
  maxSubmissions: count,
  graceMs: amount,
  deadlineMs: amount,
  maxAbandoned: count,
  lossRetries: {
    expected: "a whole number, 0 or more",
    allows: (given) => Number.isInteger(given) && (given as number) >= 0,
  },
  mode: { expected: '"throughput" or "latency"', allows: (given) => given === "throughput" || given === "latency" },
  warmUp: {
    expected: 'a name of 1 to 100 letters, digits and ".", "_", "-", "@", "/"',
    allows: (given) => typeof given === "string" && /^[\w.@-][\w.@/-]{0,99}$/u.test(given),
  },
  recovery: flag,
  leakDetection: {
    expected: "true, false or a function",
    allows: (given) => isBoolean(given) || typeof given === "function",
  },
  store: {
    expected: "true, false or an object of options",
    allows: (given) => isBoolean(given) || (typeof given === "object" && given !== null),
  },
};

const names: ReadonlySet<string> = new Set([
  ...deviceOptionNames,
  ...translatorOptionNames,
  "tracer",
  "poisonMemory",
  ...Object.keys(rules),
]);

const storeNames = optionNames<StoreOptions>({ directory: true, maxBytes: true, isEnabled: true });

/**
 * Checks the options that are the persistent backend's own, and fills in the defaults.
 * @throws {ComputeError} `invalid-option`, with the first option that is wrong and what it must be.
 */
export function checkOptions(options: PersistentBackendOptions): CheckedOptions {
  checkOptionNames("openPersistentBackend", options, names);
  for (const [name, { expected, allows }] of Object.entries(rules)) {
    const given = options[name as keyof typeof rules];
    if (given === undefined || allows(given)) continue;
    throw new ComputeError(
      "invalid-option",
      `openPersistentBackend: "${name}" must be ${expected}; got ${describeValue(given)}.`,
    );
  }
  const { store = true, leakDetection = isInDevelopment() } = options;
  if (typeof store === "object") checkOptionNames('The option "store" of openPersistentBackend', store, storeNames);
  return {
    device: deviceOptionsOf(options),
    limits: limitsOf(options),
    store: typeof store === "boolean" ? { isEnabled: store } : store,
    isImmediate: options.mode === "latency",
    onLeak: typeof leakDetection === "function" ? leakDetection : leakDetection ? warnOfLeak : undefined,
    recovery: options.recovery ?? true,
    lossRetries: options.lossRetries ?? 1,
    isPoisoned: (options as TestOptions).poisonMemory === true,
  };
}

function limitsOf(options: Partial<KeepLimits>): KeepLimits {
  const limits: { -readonly [name in keyof KeepLimits]: number } = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as (keyof KeepLimits)[]) limits[name] = options[name] ?? limits[name];
  return limits;
}

function isInDevelopment(): boolean {
  const { process, Deno } = globalThis as {
    readonly process?: { readonly env?: { readonly [name: string]: string } };
    readonly Deno?: { readonly permissions: { querySync(permission: object): { readonly state: string } } };
  };
  // Deno interrupts its user with a question when a program reads a variable that it is not allowed to read.
  const mayRead = Deno?.permissions.querySync({ name: "env", variable: "NODE_ENV" }).state ?? "granted";
  return mayRead !== "granted" || process?.env?.NODE_ENV !== "production";
}

function warnOfLeak({ what, stack }: Leak): void {
  console.warn(
    `Kiln: ${what}, was dropped without being given back; release or dispose it. It was made here:\n${stack}`,
  );
}
