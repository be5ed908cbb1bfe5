import { ComputeError } from "@kiln-gpu/core";
import { Caller } from "@kiln-gpu/core/backend";
import { describe, expect, it } from "vitest";
import { Outbox } from "./outbox.js";
import type { TransportEvent } from "./transport.js";

/** An outbox whose transport only notes what it is told, and what became of each job. */
function open(limits: Partial<ConstructorParameters<typeof Outbox>[1]> = {}) {
  const sent: string[] = [];
  const canceled: string[] = [];
  const ends: { [id: string]: unknown } = {};
  let tell!: (event: TransportEvent) => void;
  const outbox = new Outbox(
    {
      send: async ({ id }) => {
        if (id === "bad") throw new ComputeError("limit-exceeded", "Too large.");
        sent.push(id);
      },
      cancel: async (id) => void canceled.push(id),
      receive: (listener) => {
        tell = listener;
      },
      close: async () => undefined,
    },
    { maxJobs: 2, maxBytes: 100, lossRetries: 2, ...limits },
  );
  const deliver = (id: string, byteLength = 0, caller = new Caller(true)) => {
    const delivery = { id, subject: `Job ${id}`, caller, byteLength, programs: new Map(), parts: () => [] };
    outbox.deliver(delivery).then(
      () => {
        ends[id] = "done";
      },
      ({ code }) => {
        ends[id] = code;
      },
    );
    return caller;
  };
  const result = async (id: string) => {
    tell({ kind: "result", id, parts: [] });
    await settled();
  };
  const lose = async (...ids: string[]) => {
    for (const id of ids) tell({ kind: "lost", id, reason: "it is gone" });
    await settled();
  };
  return { outbox, sent, canceled, ends, deliver, result, lose, tell: (event: TransportEvent) => tell(event) };
}

/** Lets all promises that are settled be heard. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const late = new ComputeError("timeout", "Late.");

describe("jobs", () => {
  it("wait for room, by their number and by their bytes", async () => {
    const { outbox, sent, ends, deliver, result } = open();
    for (const id of ["a", "b", "c"]) deliver(id, 40);
    expect(sent).toEqual(["a", "b"]);
    expect(outbox.counts).toEqual({ waiting: 1, inFlight: 2 });
    await result("b");
    expect(sent).toEqual(["a", "b", "c"]);
    deliver("large", 1000);
    await result("a");
    expect(sent).toHaveLength(3);
    await result("c");
    expect(sent[3]).toBe("large");
    await result("large");
    expect(ends).toEqual({ a: "done", b: "done", c: "done", large: "done" });
  });

  it("whose caller leaves are dropped while they wait, and taken back later", async () => {
    const { sent, canceled, ends, deliver, result } = open();
    const callers = ["a", "b", "c"].map((id) => deliver(id));
    callers[2]!.leave(late);
    callers[0]!.leave(late);
    await settled();
    expect([sent, canceled, ends]).toEqual([["a", "b"], ["a"], { c: "timeout" }]);
    await result("a");
    expect(ends).toEqual({ a: "timeout", c: "timeout" });
  });

  it("that cannot be sent reject, and make room", async () => {
    const { sent, ends, deliver } = open({ maxJobs: 1 });
    for (const id of ["bad", "a"]) deliver(id);
    await settled();
    expect([sent, ends]).toEqual([["a"], { bad: "limit-exceeded" }]);
  });

  it("that were lost are sent before the others, and come back once", async () => {
    const { sent, ends, deliver, lose, result } = open();
    for (const id of ["a", "b", "c"]) deliver(id);
    await lose("a", "b");
    expect(sent.slice(2).sort()).toEqual(["a", "b"]);
    for (const id of ["a", "b", "a", "c", "c"]) await result(id);
    expect(ends).toEqual({ a: "done", b: "done", c: "done" });
  });

  it("that are lost again go alone, so that the one that ends its servers is found", async () => {
    const { sent, ends, deliver, lose, result } = open({ maxJobs: 3 });
    for (const id of ["poison", "a", "b"]) deliver(id);
    await lose("poison", "a", "b");
    await lose("poison", "a", "b");
    expect(sent.slice(6)).toEqual(["poison"]);
    deliver("c");
    await lose("poison");
    expect(ends).toEqual({ poison: "device-lost" });
    expect(sent.slice(7)).toEqual(["a"]);
    await result("a");
    await result("b");
    await result("c");
    expect(ends).toEqual({ poison: "device-lost", a: "done", b: "done", c: "done" });
  });

  it("whose callers have left are not sent again", async () => {
    const { sent, ends, deliver, lose } = open();
    deliver("a").leave(late);
    await lose("a");
    expect([sent, ends]).toEqual([["a"], { a: "timeout" }]);
  });

  it("all reject when the transport is at its end", async () => {
    const { ends, deliver, tell } = open({ maxJobs: 1 });
    for (const id of ["a", "b"]) deliver(id);
    tell({ kind: "failed", reason: "Over.", code: "disposed" });
    deliver("c");
    await settled();
    expect(ends).toEqual({ a: "disposed", b: "disposed", c: "disposed" });
  });
});
