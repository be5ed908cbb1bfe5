import { expectError } from "@kiln-gpu/test-support";
import { expect, it } from "vitest";
import { openThreadBackend } from "./index.js";
import { detachable } from "./thread-port.js";

it.each<[unknown, object, RegExp]>([
  [undefined, {}, /must be a Worker or a MessagePort; got undefined/],
  [{}, {}, /must be a Worker or a MessagePort; got an object/],
  [new MessageChannel().port1, { maxJob: 1 }, /"maxJob".*"maxJobs"/],
  [new MessageChannel().port1, { maxJobs: 0 }, /"maxJobs" must be a whole number, 1 or more; got 0/],
])("what is not a port, or not an option, is refused", async (port, options, words) => {
  await expectError(openThreadBackend(port as never, options), "invalid-option", words);
});

it("parts are sent without the rest of their memory", () => {
  const memory = new Uint8Array(2 ** 20);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const given = [memory.subarray(8, 16), memory.subarray(0, 2 ** 19), memory, shared];
  const kept = detachable(given, false);
  expect(kept.parts.map(({ buffer }) => buffer.byteLength)).toEqual([8, 2 ** 19, 2 ** 20, 8]);
  expect(kept.transfer.map(({ byteLength }) => byteLength)).toEqual([2 ** 19, 2 ** 20]);
  expect(kept.transfer).not.toContain(memory.buffer);
  expect(kept.parts[3]).toBe(shared);
  expect(detachable(given, true).transfer[1]).toBe(memory.buffer);
});
