/** Option names that a call does not have are refused: most often one of them is misspelled, and would be ignored. */
import { ComputeError, type ComputeErrorCode } from "../errors/compute-error.js";
import { describeValue } from "./describe-value.js";

/** The names of the options in `T`; the type checker finds one that is missing. */
export function optionNames<T extends object>(names: { readonly [Name in keyof Required<T>]: true }): Set<string> {
  return new Set(Object.keys(names));
}

/**
 * Checks that `options` has no other names than `known`.
 * @param subject Begins the sentence of an error: `The run of kernel "saxpy"`.
 * @throws {ComputeError} `code` with the name that was probably meant, or else all names.
 */
export function checkOptionNames(
  subject: string,
  options: unknown,
  known: ReadonlySet<string>,
  code: ComputeErrorCode = "invalid-option",
): void {
  if (typeof options !== "object" || options === null) {
    throw new ComputeError(code, `${subject} takes its options as an object; got ${describeValue(options)}.`);
  }
  for (const name in options) if (!known.has(name)) throw unknownOption(subject, name, known, code);
}

function unknownOption(subject: string, name: string, known: ReadonlySet<string>, code: ComputeErrorCode) {
  const likely = likelyName(name, known);
  const all = [...known].map((each) => `"${each}"`).join(", ");
  const advice = likely === undefined ? `its options are ${all}.` : `did you mean "${likely}"?`;
  return new ComputeError(code, `${subject} takes no option ${describeValue(name)}; ${advice}`);
}

/** No option has a longer name. */
const longestName = 40;

/** The one of `known` that `given` most resembles; `undefined` if it resembles none. */
export function likelyName(given: string, known: Iterable<string>): string | undefined {
  if (given.length > longestName) return undefined;
  const word = given.toLowerCase();
  let likely: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const other = name.toLowerCase();
    const distance = editDistance(word, other);
    const isPart = word.length > 2 && (other.includes(word) || word.includes(other));
    if (distance >= least || !(isPart || distance <= Math.max(word.length, other.length) / 3)) continue;
    likely = name;
    least = distance;
  }
  return likely;
}

/** How many characters to insert, remove or replace, and neighbors to swap, to turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
