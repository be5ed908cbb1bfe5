/** Damaged and invented frames: whatever comes, the outcome is a `ComputeError`, in a bounded time. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type Bindings, ComputeError, defineKernel, inout, output, temporary } from "@kiln-gpu/core";
import { takeRun } from "@kiln-gpu/core/backend";
import { isLongRun, software } from "@kiln-gpu/test-support";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, joinParts, splitParts } from "./frame.js";
import { decodeJob, encodeRun, prepareJob, runJob } from "./job.js";
import { JobServer } from "./job-server.js";
import { decodeProgram, type EncodedPrograms, ProgramEncoder } from "./programs.js";
import { decodeResults, encodeFailure, encodeResults } from "./results.js";

const numRuns = isLongRun ? 20_000 : 1500;

const wgsl = `struct Params { factor: f32, count: u32 }
  @group(0) @binding(0) var<uniform> params: Params;
  @group(0) @binding(1) var<storage, read> a: array<f32>;
  @group(0) @binding(2) var<storage, read_write> t: array<f32>;
  @group(0) @binding(3) var<storage, read_write> c: array<f32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < params.count) { t[id.x] = params.factor * a[id.x]; c[id.x] += t[id.x]; }
  }`;
const kernel = defineKernel<Bindings>({
  label: "two passes",
  programs: { one: { wgsl, entryPoint: "main" } },
  temporaries: () => ({ t: temporary(Float32Array, 4) }),
  passes: () => [{ program: "one" }, { program: "one", bindings: { params: { factor: -0, count: 2 } }, threads: [4] }],
});
const bindings = {
  params: { factor: Number.NaN, count: 4 },
  a: new Float32Array([1, 2, 3, 4]),
  c: inout(new Float32Array(4)),
};

let programs: EncodedPrograms;
let frames: { readonly [name: string]: readonly Uint8Array[] };
let backend: Awaited<ReturnType<typeof openPersistentBackend>>;

beforeAll(async () => {
  backend = await openPersistentBackend({ ...software, store: false });
  programs = await new ProgramEncoder().encode(kernel);
  const asked = { c: output(Float32Array, 4) };
  frames = {
    run: runJob(encodeRun(takeRun(kernel, bindings)), programs, { profile: true, mayLeave: true, timeoutMs: 10_000 }),
    prepare: prepareJob(kernel, programs),
    results: encodeResults(asked, { c: new Float32Array(4) }),
    failure: encodeFailure(new ComputeError("timeout", "Late.", { cause: new Error("below") })),
    program: splitParts([...programs.byHash.values()][0]!),
  };
});
afterAll(() => backend.dispose());

const readers: { readonly [name: string]: (parts: readonly Uint8Array[]) => unknown } = {
  job: decodeJob,
  results: decodeResults,
  program: (parts) => decodeProgram(joinParts(parts)),
};

function expectRefusal(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    // An error that came back is thrown as it came, and may be a defect of the server.
    if (!(error instanceof ComputeError)) expect((error as Error).constructor).toBe(Error);
  }
}

describe("frames", () => {
  it("with changed, missing or additional bytes are read or refused", () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat(), { freq: 3 }) });
    const property = fc.property(
      fc.constantFrom(...Object.keys(frames)),
      fc.constantFrom(...Object.keys(readers)),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      (frame, reader, changes) => {
        let joined = joinParts(frames[frame]!);
        for (const { at, byte, cut } of changes) {
          joined[at % joined.length] = byte;
          if (cut !== null) joined = joined.slice(0, 1 + (cut % joined.length));
        }
        expectRefusal(() => readers[reader]!(splitParts(joined)));
      },
    );
    fc.assert(property, { numRuns });
  });

  it("of any bytes are refused", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const read of Object.values(readers)) {
        expect(() => read(splitParts(bytes))).toThrow(expect.objectContaining({ code: "invalid-frame" }));
        expect(() => read([bytes])).toThrow(expect.objectContaining({ code: "invalid-frame" }));
      }
    });
    fc.assert(property, { numRuns });
  });

  it("whose headers say something else give a result or an error, and the server serves the next one", async () => {
    const server = new JobServer(backend, { maxJobBytes: 10_000, maxRunMs: 20_000 });
    const findProgram = (hash: string) => programs.byHash.get(hash) ?? new Uint8Array(0);
    const values: unknown[] = [
      null,
      -1,
      0,
      1.5,
      3,
      1e300,
      "",
      "a",
      "one",
      [],
      {},
      [[]],
      { is: "array", type: "Float32Array", at: 0 },
    ];
    const property = fc.asyncProperty(
      fc.constantFrom("run", "prepare"),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...values)), { minLength: 1, maxLength: 3 }),
      async (frame, changes) => {
        const { header, arrays } = decodeFrame(frames[frame]!);
        for (const [at, value] of changes) replaceAt(header as object, at, value);
        const answer = await server.run({ parts: encodeFrame({ header, arrays }), findProgram });
        try {
          decodeResults(answer);
        } catch (error) {
          expect(error, JSON.stringify(header)).toBeInstanceOf(ComputeError);
        }
      },
    );
    await fc.assert(property, { numRuns: numRuns / 5 });
    const { byName } = decodeResults(await server.run({ parts: frames.run!, findProgram }));
    expect(byName.get("c")?.bytes.byteLength).toBe(16);
  });
});

/** Replaces one of the values in `json`, however deep. */
function replaceAt(json: object, at: number, value: unknown): void {
  const places: [object, string][] = [];
  const visit = (object: object) => {
    for (const [name, inner] of Object.entries(object)) {
      places.push([object, name]);
      if (typeof inner === "object" && inner !== null) visit(inner);
    }
  };
  visit(json);
  const [object, name] = places[at % places.length] ?? [json, "kind"];
  (object as { [name: string]: unknown })[name] = structuredClone(value);
}
