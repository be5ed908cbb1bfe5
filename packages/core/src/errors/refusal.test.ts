import { expect, test } from "vitest";
import { ComputeError } from "./compute-error.js";
import { named, Refusal } from "./refusal.js";

const thrownBy = (check: () => unknown): unknown => {
  try {
    return check();
  } catch (error) {
    return error;
  }
};

test("a refusal gets its subject where it is named, and keeps its code and cause", () => {
  const cause = new TypeError("x");
  const error = thrownBy(() =>
    named('Kernel "k"', () => {
      throw new Refusal("invalid-binding", 'has no binding "z".', { cause });
    }),
  );
  expect(error).toEqual(new ComputeError("invalid-binding", 'Kernel "k" has no binding "z".', { cause }));
  expect(error).not.toBeInstanceOf(Refusal);
});

test("what follows a colon follows it at once", () => {
  expect(new Refusal("invalid-kernel", ': "wgsl" must be a string.').of('Kernel "k"').message).toBe(
    'Kernel "k": "wgsl" must be a string.',
  );
});

test("a refusal without a cause becomes an error without one", () => {
  expect("cause" in new Refusal("invalid-kernel", "has no programs.").of('Kernel "k"')).toBe(false);
});

test("the first subject stands, and an error that is no refusal stays as it is", () => {
  const inner = thrownBy(() =>
    named('Kernel "k"', () =>
      named('Sequence "s"', () => {
        throw new Refusal("invalid-option", "records no run.");
      }),
    ),
  );
  expect(inner).toMatchObject({ message: 'Sequence "s" records no run.' });
  const other = new TypeError("x");
  expect(
    thrownBy(() =>
      named('Kernel "k"', () => {
        throw other;
      }),
    ),
  ).toBe(other);
  expect(named('Kernel "k"', () => 3)).toBe(3);
});
