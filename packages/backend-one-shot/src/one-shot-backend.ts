import {
  type BackendStats,
  type ComputeBackend,
  ComputeError,
  type DeviceInfo,
  type Kernel,
  type PrepareOptions,
  type RunOptions,
  type RunResults,
  type Tracer,
} from "@kiln-gpu/core";
import {
  atCaller,
  type Caller,
  checkKernel,
  checkProfileName,
  collectResults,
  emptyResults,
  planRun,
  RunClock,
  RunLedger,
  type SubmissionTrace,
  type TakenRun,
  takeRun,
  withProfile,
} from "@kiln-gpu/core/backend";
import { interfacesOf, loadKernel, type TranslatorOptions, wholeVariants } from "@kiln-gpu/shader";
import {
  createDeviceTimer,
  deviceError,
  encodeDispatches,
  inErrorScope,
  lossOr,
  type OpenDeviceOptions,
  openDevice,
} from "@kiln-gpu/webgpu";
import { createMemory } from "./create-memory.js";
import { compilePrograms, createBindGroups } from "./create-programs.js";
import { Tally } from "./tally.js";
import { whenHung } from "./when-hung.js";

/** What a backend is made of. */
export interface OneShotBackendParts {
  /** The device that each run opens. */
  readonly device: OpenDeviceOptions;
  readonly loading: TranslatorOptions;
  readonly graceMs: number;
  readonly tracer: Tracer | undefined;
}

/** Each run opens a device, compiles, allocates, computes, and destroys everything again. */
export class OneShotBackend implements ComputeBackend {
  readonly name = "one-shot";
  readonly device: DeviceInfo;
  readonly #parts: OneShotBackendParts;
  readonly #runs: RunLedger;
  readonly #tally = new Tally();

  constructor(device: DeviceInfo, parts: OneShotBackendParts) {
    this.device = device;
    this.#parts = parts;
    this.#runs = new RunLedger(this.name, parts.tracer);
  }

  prepare(kernel: Kernel, options: PrepareOptions = {}): Promise<void> {
    try {
      checkKernel(kernel);
    } catch (error) {
      return Promise.reject(atCaller(error, this.prepare));
    }
    const work = async () => {
      const programs = await loadKernel(kernel.tunable ? kernel.specialize({}) : kernel, this.#parts.loading);
      const open = await openDevice(this.#parts.device);
      try {
        await compilePrograms(open, kernel.label, programs, wholeVariants(programs, open.info.limits));
      } finally {
        await open.close();
      }
    };
    return this.#runs.startTask(`The preparation of kernel "${kernel.label}"`, options, work, this.prepare);
  }

  run<B, const O extends RunOptions<B> = RunOptions<B>>(
    kernel: Kernel,
    bindings: B,
    options?: RunOptions<B>,
  ): Promise<RunResults<B, O>> {
    let taken: TakenRun;
    try {
      taken = takeRun(kernel, bindings, options as RunOptions);
    } catch (error) {
      return Promise.reject(atCaller(error, this.run));
    }
    const work = (caller: Caller) => this.#execute(taken, caller);
    return this.#runs.start(kernel.label, taken.options, work, undefined, this.run) as Promise<RunResults<B, O>>;
  }

  async #execute({ kernel, bindings, size, options }: TakenRun, caller: Caller): Promise<object> {
    if (options.profile) checkProfileName(`Kernel "${kernel.label}"`, bindings);
    const clock = caller.trace?.clock ?? new RunClock();
    const specialized = kernel.tunable ? kernel.specialize({}) : kernel;
    const programs = await loadKernel(specialized, this.#parts.loading);
    clock.lap("pipeline");
    const { limits } = this.device;
    const plan = planRun({
      kernel: specialized,
      interfaces: interfacesOf(programs),
      bindings,
      size,
      limits,
    });
    const foreign = plan.resources.find(({ staged, resident }) => staged ?? resident);
    if (foreign) {
      throw new ComputeError(
        "invalid-binding",
        `Kernel "${plan.label}" is given ${foreign.staged ? "staged memory" : "a resident array"} as ` +
          `"${foreign.name}"; the one-shot backend binds typed arrays only.`,
      );
    }
    if (plan.isEmpty) return options.profile ? withProfile(emptyResults(plan), clock.profile()) : emptyResults(plan);
    clock.skip();

    const open = await openDevice(this.#parts.device);
    const devices = open.isOwned ? 1 : 0;
    this.#tally.devices.add(devices);
    clock.lap("init");
    const { device } = open;
    const timer = options.profile ? await createDeviceTimer(device) : undefined;
    let memory: Awaited<ReturnType<typeof createMemory>> | undefined;
    let pipelines = 0;
    let bindGroupCount = 0;
    let hasEnded: (() => void) | undefined;
    let isAbandoned = false;
    const { recorder } = this.#runs;
    let trace: SubmissionTrace | undefined;
    open.beginWait();
    try {
      if (caller.left) throw caller.left;
      const compiled = await compilePrograms(open, plan.label, programs, plan.dispatches);
      pipelines = compiled.size;
      this.#tally.pipelines.add(pipelines);
      clock.lap("pipeline");
      trace = recorder?.beginSubmission([{ caller }]);
      const submission = trace?.clock ?? new RunClock();
      memory = await createMemory(open, plan);
      this.#tally.buffers.add(memory.bufferCount, memory.byteLength);
      submission.lap("upload");
      const { buffers, encodeDownload } = memory;
      const { failure } = inErrorScope(device, "validation", () => {
        const dispatches = createBindGroups(device, plan, compiled, buffers);
        bindGroupCount = dispatches.reduce((count, { bindGroups }) => count + bindGroups.length, 0);
        this.#tally.bindGroups.add(bindGroupCount);
        submission.lap("descriptors");
        const encoder = device.createCommandEncoder({ label: plan.label });
        const pass = encoder.beginComputePass(timer && { timestampWrites: timer.timestampWrites });
        encodeDispatches(pass, dispatches, [{ plan }]);
        pass.end();
        encodeDownload(encoder);
        timer?.resolve(encoder);
        const commands = encoder.finish();
        submission.lap("recording");
        device.queue.submit([commands]);
      });
      this.#tally.submissions += 1;
      this.#tally.inFlight += 1;
      const { map, endMaps } = memory;
      hasEnded = whenHung(caller, this.#parts.graceMs, () => {
        isAbandoned = true;
        const reason = `Kernel "${plan.label}" has not ended on it`;
        this.#tally.abandonedDevices += 1;
        open.abandon(new ComputeError("device-lost", `The device "${open.info.name}" is abandoned: ${reason}.`), () => {
          this.#tally.abandonedDevices -= 1;
        });
        // While a map is pending, npm webgpu polls the device without a pause.
        endMaps();
      });
      const mapped = await map(failure);
      const gpuTimeNs = await timer?.read().catch(async (error) => {
        throw await lossOr(open, error);
      });
      submission.lap("compute");
      // A caller who left was told that the run failed, and may use the array of `into` again.
      if (caller.left) throw caller.left;
      const results = collectResults(plan, mapped);
      submission.lap("download");
      if (trace) {
        trace.gpuTimeNs = gpuTimeNs;
        recorder?.endSubmission(trace);
      }
      return options.profile ? withProfile(results, clock.profile(submission.phases, gpuTimeNs)) : results;
    } catch (reason) {
      const error = await deviceError(open, `Kernel "${plan.label}"`, reason);
      if (trace) recorder?.endSubmission(trace, { error });
      throw error;
    } finally {
      open.endWait();
      if (hasEnded) {
        hasEnded();
        this.#tally.inFlight -= 1;
      }
      if (!isAbandoned) {
        timer?.destroy();
        memory?.destroy();
      }
      this.#tally.buffers.remove(memory?.bufferCount ?? 0, memory?.byteLength ?? 0);
      this.#tally.bindGroups.remove(bindGroupCount);
      this.#tally.pipelines.remove(pipelines);
      if (open.loss) {
        this.#tally.lostDevices += 1;
        recorder?.deviceLost(open.info.name, open.loss);
      }
      await open.close();
      this.#tally.devices.remove(devices);
    }
  }

  stats(): BackendStats {
    return { runs: this.#runs.stats(), ...this.#tally.stats() };
  }

  dispose(): Promise<void> {
    return this.#runs.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
