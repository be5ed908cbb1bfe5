import { expect, test } from "vitest";
import type { Variant } from "./manifest.js";
import { maxPrograms, maxTextLength, ProgramHistory } from "./program-history.js";

const shader = { bindings: [], workgroupSize: [1, 1, 1] } as never;

function useIn(history: ProgramHistory, address: string, { variant = "whole" as Variant, wgsl = "" } = {}): void {
  history.add(address, { label: address, wgsl, interface: shader, constants: {} }, variant);
}

const kept = (history: ProgramHistory) => [...history.used.keys()];

test("a history has what was used in a new way last first", () => {
  const history = new ProgramHistory();
  for (const address of ["a", "b"]) useIn(history, address);
  expect(kept(history)).toEqual(["b", "a"]);
  useIn(history, "a", { variant: "split" });
  expect(kept(history)).toEqual(["a", "b"]);
  expect(history.used.get("a")!.variants).toEqual(["whole", "split"]);
});

test("a history tells of what is new and of nothing else", () => {
  const history = new ProgramHistory();
  let changes = 0;
  history.onChange = () => {
    changes += 1;
  };
  for (const variant of ["whole", "whole", "split", "split", "whole"] as const) useIn(history, "a", { variant });
  expect(changes).toBe(2);
});

test("a history keeps the latest programs, as many as a manifest may have", () => {
  const history = new ProgramHistory();
  for (let i = 0; i < maxPrograms + 2; i += 1) useIn(history, `${i}`);
  expect(kept(history)).toHaveLength(maxPrograms);
  expect(history.used.has("1")).toBe(false);
  expect(history.used.has("2")).toBe(true);
});

test("a history keeps the latest programs, with as much text as a manifest may have", () => {
  const history = new ProgramHistory();
  const wgsl = " ".repeat(maxTextLength / 2);
  for (let i = 0; i < 5; i += 1) useIn(history, `${i}`, { wgsl });
  expect(kept(history)).toEqual(["4", "3"]);
  useIn(history, "longer", { wgsl: " ".repeat(maxTextLength + 1) });
  expect(kept(history)).toEqual(["4", "3"]);
});
