import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeReply, encodeReply, type Reply } from "./reply.js";

const replies: readonly Reply[] = [
  { kind: "result", id: "a", place: "inline", workedMs: 1.5 },
  { kind: "result", id: "a", place: "store", workedMs: 0 },
  { kind: "progress", id: "a", value: 0.5 },
  { kind: "again", id: "a" },
];

test.each(replies)("reads what was written: %j", (reply) => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(decodeReply(encodeReply(reply, bytes))).toEqual({ reply, bytes });
});

test.each(["", "null", "3", "{}", '{"kind":"result","id":"a"}', '{"kind":"result","id":1}', '{"kind":"x","id":"a"}'])(
  "reads no reply from %j",
  (head) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    expect(decodeReply(Buffer.concat([length, Buffer.from(head)]))).toBe(undefined);
  },
);

test("reads any bytes without an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(() => decodeReply(Buffer.from(bytes))).not.toThrow();
    }),
  );
});
