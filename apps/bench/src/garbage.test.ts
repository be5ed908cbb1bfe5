import { expect, test } from "vitest";
import { allocatedByteLength } from "./garbage.js";

const kept: unknown[] = [];

/** Bytes a call that keeps or drops an array of `length` numbers allocates. */
async function perCall(length: number, keeps: boolean): Promise<number> {
  const count = 20_000;
  kept.length = 0;
  const run = async () => {
    const array = new Array<number>(length).fill(0.5);
    if (keeps) kept.push(array);
    else kept[0] = array;
  };
  return (await allocatedByteLength(run, count)) / count;
}

// A V8 array of n doubles takes 8n bytes; the difference of two lengths leaves out what comes with every call.
test.each([
  ["kept", true],
  ["dropped, over many collections", false],
])("counts what is %s", async (_, keeps) => {
  const difference = (await perCall(300, keeps)) - (await perCall(100, keeps));
  expect(difference / 200).toBeGreaterThan(7.5);
  expect(difference / 200).toBeLessThan(8.5);
});
