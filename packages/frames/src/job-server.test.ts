import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import type { ComputeBackend } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectSame, software, spin, spinBindings } from "@kiln-gpu/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JobServer, type ServerLimits } from "./job-server.js";
import { LocalTransport } from "./local-transport.js";
import { programHashes } from "./programs.js";
import type { OutgoingJob, Transport } from "./transport.js";
import { TransportBackend } from "./transport-backend.js";

const [a, b] = [new Float32Array(100).fill(1), new Float32Array(100).fill(2)];
const sum = fieldAddReference(a, b);

let backend: ComputeBackend;
beforeAll(async () => {
  backend = await openPersistentBackend({ ...software, store: false });
});
afterAll(() => backend.dispose());

const clientOf = (transport: Transport) => new TransportBackend({ name: "client", device: backend.device, transport });
const clientWith = (limits: Partial<ServerLimits>) => clientOf(new LocalTransport(new JobServer(backend, limits)));

describe("a server", () => {
  it("runs only the programs that it allows", async () => {
    const client = clientWith({ allowedPrograms: new Set(await programHashes(fieldAdd)) });
    expectSame(await runFieldAdd(client, a, b), sum);
    await expectError(
      client.run(spin, spinBindings),
      "unsupported-shader",
      /"spin" has the program [0-9a-f]{64}, .*allow/,
    );
  });

  it("bounds the bytes of a job, of its results too", async () => {
    const { byteLength } = a;
    expectSame(await runFieldAdd(clientWith({ maxJobBytes: 6 * byteLength }), a, b), sum);
    const words = /"field-add" has \d+ bytes of inputs and results; this server allows 1199/;
    await expectError(runFieldAdd(clientWith({ maxJobBytes: 3 * byteLength - 1 }), a, b), "limit-exceeded", words);
  });

  it("bounds the time of a job", async () => {
    const client = clientWith({ maxRunMs: 1 });
    await expectError(client.run(spin, spinBindings), "timeout", /"spin" has not finished within 1 ms/);
  });

  it("asks for a program once, and again after it has dropped it", async () => {
    const local = new LocalTransport(new JobServer(backend, { maxPrograms: 1 }));
    const asked: string[] = [];
    const watched = (job: OutgoingJob): OutgoingJob => {
      const programs = new Map(job.programs);
      programs.get = (hash) => {
        asked.push(hash);
        return job.programs.get(hash);
      };
      return { ...job, programs };
    };
    const client = clientOf({
      send: (job) => local.send(watched(job)),
      cancel: (id) => local.cancel(id),
      receive: (listener) => local.receive(listener),
      close: () => local.close(),
    });
    for (let i = 0; i < 3; i += 1) expectSame(await runFieldAdd(client, a, b), sum);
    expect(asked).toHaveLength(1);
    await client.prepare(spin);
    expectSame(await runFieldAdd(client, a, b), sum);
    expect(asked).toHaveLength(3);
  });

  it("refuses a program that has another hash", async () => {
    const local = new LocalTransport(new JobServer(backend));
    const client = clientOf({
      send: (job) =>
        local.send({ ...job, programs: new Map([...job.programs].map(([hash]) => [hash, new Uint8Array(9)])) }),
      cancel: (id) => local.cancel(id),
      receive: (listener) => local.receive(listener),
      close: () => local.close(),
    });
    await expectError(
      runFieldAdd(client, a, b),
      "invalid-frame",
      /"field-add" names the program [0-9a-f]+; .*have the hash/,
    );
  });
});
