import { expect, test } from "vitest";
import { sizesIn } from "./sizes.js";

const range = { smallest: 64, largest: 1024 };

test.each<[string, readonly number[], readonly number[]]>([
  ["those within its range", [64, 256, 1024], [64, 256, 1024]],
  ["its largest for any beyond, once", [256, 1024, 4096, 16384], [256, 1024]],
  ["none below, where there is another", [4, 16, 128], [128]],
  ["the largest of those below, where there is no other", [4, 16], [16]],
])("a kernel takes %s", (_, sizes, expected) => {
  expect(sizesIn(sizes, range)).toEqual(expected);
});
