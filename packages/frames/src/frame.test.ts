import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, joinParts, splitParts } from "./frame.js";

const frame = {
  header: { n: 1, text: "ü" },
  arrays: [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(8)],
};

test("a frame keeps its header and its arrays, also when its parts are joined", () => {
  const parts = encodeFrame(frame);
  expect(decodeFrame(parts)).toEqual(frame);
  expect(decodeFrame(splitParts(joinParts(parts)))).toEqual(frame);
});

test("arrays are not copied", () => {
  const [, first] = encodeFrame(frame);
  expect(first).toBe(frame.arrays[0]);
});

test("joined parts begin where arrays of any type can begin", () => {
  for (const { byteOffset } of splitParts(joinParts(encodeFrame(frame)))) expect(byteOffset % 8).toBe(0);
});

test("another version is refused with both versions", () => {
  const [first] = encodeFrame(frame);
  first![4] = 7;
  expect(() => decodeFrame([first!])).toThrow(/is of version 7, and this side reads version 1/);
});

test.each<[string, Uint8Array[], RegExp]>([
  ["no part", [], /begin with the letters KILN/],
  ["a short part", [new Uint8Array([0x4b, 0x49, 0x4c, 0x4e])], /begin with the letters KILN/],
  ["a header that is cut off", [encodeFrame(frame)[0]!.subarray(0, -1)], /header that is not JSON/],
])("%s is refused", (_, parts, words) => {
  expect(() => decodeFrame(parts)).toThrow(
    expect.objectContaining({ code: "invalid-frame", message: expect.stringMatching(words) }),
  );
});

test("lengths are checked before they are used", () => {
  const joined = joinParts(encodeFrame(frame));
  const words = new Uint32Array(joined.buffer, 0, 4);
  expect(() => splitParts(joined.subarray(0, 3))).toThrow(/has 3 bytes/);
  expect(() => splitParts(joined.subarray(0, 48))).toThrow(/bytes left for a part of/);
  words[1] = 0xffff_ffff;
  expect(() => splitParts(joined)).toThrow(/for a part of 4294967295 bytes/);
  words[0] = 0xffff_ffff;
  expect(() => splitParts(joined)).toThrow(/says that it has 4294967295 parts/);
});
