import { expect, test } from "vitest";
import { checkBorrowed } from "./check-borrowed.js";

/** An array that follows the length of its buffer, which may change up to 64 bytes. */
function tracking(byteLength: number) {
  const Resizable = ArrayBuffer as unknown as new (byteLength: number, options: object) => ArrayBuffer;
  const buffer = new Resizable(byteLength, { maxByteLength: 64 }) as ArrayBuffer & { resize(byteLength: number): void };
  return { data: new Uint8Array(buffer), resize: (to: number) => buffer.resize(to) };
}

const check = (data: Uint8Array, byteLength: number) => () =>
  checkBorrowed(() => 'Kernel "k"', { name: "x", data, byteLength });

test.each([
  ["grew", 24],
  ["shrank", 12],
])("an input that %s since the call is refused", (_, length) => {
  const { data, resize } = tracking(16);
  expect(check(data, 16)).not.toThrow();
  resize(length);
  expect(check(data, 16)).toThrow(
    expect.objectContaining({
      code: "invalid-binding",
      message: expect.stringContaining(`Kernel "k" was given "x" with 16 bytes, and now it has ${length}`),
    }),
  );
});

test("an input is as long as its binding, which ends at a multiple of 4 bytes", () => {
  expect(check(new Uint8Array(13), 16)).not.toThrow();
  expect(check(new Uint8Array(12), 16)).toThrow();
});
