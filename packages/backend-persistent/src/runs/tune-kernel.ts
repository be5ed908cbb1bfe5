/** Measures a kernel with each combination of its tunable constants, on the backend that will run it. */
import {
  type Bindings,
  type Bytes,
  ComputeError,
  type Constants,
  type Inout,
  type KeepsArrays,
  type Kernel,
  type Output,
  type RecordsSequences,
  type ResidentArray,
  type Sequence,
  type TunedCandidate,
  type TuningReport,
} from "@kiln-gpu/core";
import { roleOf } from "@kiln-gpu/core/backend";
import type { DeviceSession } from "../device/device-session.js";
import type { ResidentMemory } from "../memory/resident-memory.js";

interface Candidate {
  readonly constants: Constants;
  readonly kernel: Kernel;
}

interface Measured {
  readonly candidates: readonly TunedCandidate[];
  readonly clock: "device" | "host";
}

/**
 * One sample lasts about this long, by repeating the dispatch: timestamps are quantized, on some devices to 65
 * microseconds, and a single dispatch may be shorter.
 */
const sampleNs = 2e6;
const maxRepeats = 1024;
const rounds = 9;

/**
 * Measures `kernel` on bindings of this size, and has the session's specializer keep the quickest combination.
 * @throws {ComputeError} As `TunesKernels.tune`.
 */
export async function tuneKernel(
  backend: KeepsArrays & RecordsSequences,
  { specializer, info }: DeviceSession,
  kernel: Kernel,
  bindings: Bindings,
): Promise<TuningReport> {
  if (!kernel.tunable) {
    throw new ComputeError(
      "invalid-kernel",
      `Kernel "${kernel.label}" has no \`tunable\` constants to tune, such as { workgroup_size: [256, 64, 128] }.`,
    );
  }
  const elements = await specializer.elementsOf(kernel, bindings);
  const fitting = await specializer.candidates(kernel);
  if (fitting.length === 0) {
    throw new ComputeError(
      "limit-exceeded",
      `Kernel "${kernel.label}" is tunable by ${JSON.stringify(kernel.tunable)}, but this device can run none of the ` +
        `combinations: a workgroup may have at most ${info.limits.maxComputeInvocationsPerWorkgroup} invocations.`,
    );
  }
  const { candidates, clock } = await measureCandidates(backend, fitting, bindings);
  const first = candidates.find(({ constants }) => constants === fitting[0]!.constants)!;
  const quicker = isQuicker(candidates[0]!, first);
  const chosen = (quicker ? candidates[0]! : first).constants;
  await specializer.keep(kernel, elements, chosen);
  return { kernel: kernel.label, elements, candidates, chosen, isQuicker: quicker, clock };
}

/** Measures each candidate; resolves with the quickest first. */
async function measureCandidates(
  backend: KeepsArrays & RecordsSequences,
  candidates: readonly Candidate[],
  bindings: Bindings,
): Promise<Measured> {
  const arrays: ResidentArray[] = [];
  const sequences: Sequence[] = [];
  try {
    const resident = await residentBindings(backend, bindings, arrays);
    let clock: Measured["clock"] = "device";
    const timeOf = async (sequence: Sequence) => {
      const { profile } = await sequence.replay({}, { profile: true });
      if (profile.gpuTimeNs === undefined) clock = "host";
      return profile.gpuTimeNs ?? profile.computeMs * 1e6;
    };
    const record = async ({ kernel }: Candidate, repeats: number) => {
      const sequence = await backend.record({}, (run) => {
        for (let i = 0; i < repeats; i += 1) run(kernel, resident as never);
      });
      sequences.push(sequence);
      return sequence;
    };
    const subjects: { constants: Constants; repeats: number; sequence: Sequence; samplesNs: number[] }[] = [];
    for (const candidate of candidates) {
      const probe = await record(candidate, 4);
      await timeOf(probe);
      const probedNs = (await timeOf(probe)) / 4;
      const repeats = Math.min(Math.max(Math.ceil(sampleNs / Math.max(probedNs, 1)), 1), maxRepeats);
      const sequence = await record(candidate, repeats);
      await timeOf(sequence);
      subjects.push({ constants: candidate.constants, repeats, sequence, samplesNs: [] });
    }
    // In turn, so that a drift of the device's clock affects all of them alike.
    for (let round = 0; round < rounds; round += 1) {
      for (const subject of subjects) subject.samplesNs.push((await timeOf(subject.sequence)) / subject.repeats);
    }
    const measured = subjects.map(({ constants, samplesNs }) => ({ constants, ...spreadOf(samplesNs) }));
    return { candidates: measured.sort((a, b) => a.medianNs - b.medianNs), clock };
  } finally {
    for (const sequence of sequences) sequence.dispose();
    for (const array of arrays) array.dispose();
  }
}

/** Whether `quickest` beats `first` by more than the noise of both, and by enough to matter. */
function isQuicker(quickest: TunedCandidate, first: TunedCandidate): boolean {
  const gain = first.medianNs - quickest.medianNs;
  return gain > 2 * (first.deviationNs + quickest.deviationNs) && gain > 0.02 * first.medianNs;
}

/** Replaces arrays by resident arrays, which stay on the device for the whole measurement. */
async function residentBindings(backend: KeepsArrays, bindings: Bindings, arrays: ResidentArray[]): Promise<Bindings> {
  const resident: { [name: string]: Bindings[string] } = {};
  for (const [name, value] of Object.entries(bindings)) {
    const array = await residentOf(backend, value);
    if (array) arrays.push(array);
    resident[name] = array ?? value;
  }
  return resident;
}

async function residentOf(backend: KeepsArrays, value: Bindings[string]): Promise<ResidentArray | undefined> {
  const role = roleOf(value);
  if (ArrayBuffer.isView(value)) return await backend.array(value);
  if (role === "inout" || role === "bytes") return await backend.array((value as Inout | Bytes).data);
  if (role === "output" || role === "lease") {
    const { type, length } = value as Output;
    return await backend.array(type, length);
  }
  // The measurement must not write the caller's own array thousands of times.
  return role === "resident" ? await (value as ResidentMemory).duplicate() : undefined;
}

function spreadOf(samples: readonly number[]): { readonly medianNs: number; readonly deviationNs: number } {
  const medianNs = medianOf(samples);
  return { medianNs, deviationNs: medianOf(samples.map((sample) => Math.abs(sample - medianNs))) };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
