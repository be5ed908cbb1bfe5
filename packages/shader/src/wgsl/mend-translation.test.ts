import { expect, it } from "vitest";
import { mendTranslation } from "./mend-translation.js";

const mend = (wgsl: string) =>
  mendTranslation(wgsl, { workgroupSize: [8, 4, 2], isReadOnly: (_, binding) => binding === 1 });

it("writes the workgroup size and the access of buffers that are only read", () => {
  expect(
    mend(
      "@group(0) @binding(1) var<storage, read_write> x: array<u32>; @group(0) @binding(2) var<storage, read_write> y: array<u32>; " +
        "@compute @workgroup_size(1, 1, 1) fn main() {}",
    ),
  ).toBe(
    "@group(0) @binding(1) var<storage, read> x: array<u32>; @group(0) @binding(2) var<storage, read_write> y: array<u32>; " +
      "@compute @workgroup_size(8, 4, 2) fn main() {}",
  );
});

it("writes the largest f32 so that it is one, and no other number", () => {
  const [largest, next] = ["340282350000000000000000000000000000000f", "340282330000000000000000000000000000000f"];
  expect(mend(`const a = -${largest}; const b = ${next}; const c = ${largest};`)).toBe(
    `const a = -0x1.fffffep+127f; const b = ${next}; const c = 0x1.fffffep+127f;`,
  );
});

it("enables subgroups, and gives a ballot its constant", () => {
  expect(mend("fn f() { let a = subgroupBallot(); let b = subgroupBallot(c); }")).toBe(
    "enable subgroups;\nfn f() { let a = subgroupBallot(true); let b = subgroupBallot(c); }",
  );
});
