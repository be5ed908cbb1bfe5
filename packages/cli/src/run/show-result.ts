import type { TypedArray } from "@kiln-gpu/core";
import { elementTypeOf, toNumbers } from "./elements.js";

const lineWidth = 80;

/** The first elements of a result in columns, with the index of the first of each line, and a line about all of them. */
export function showResult(name: string, array: TypedArray, shown: number): string {
  const numbers = toNumbers(array);
  const head = `${name}: ${array.length} x ${elementTypeOf(array)}`;
  const texts = Array.from({ length: Math.min(array.length, shown) }, (_, i) => showNumber(numbers[i]!, array));
  const width = Math.max(1, ...texts.map((text) => text.length));
  const indexWidth = Math.max(4, String(array.length).length);
  const perLine = Math.max(1, 2 ** Math.floor(Math.log2((lineWidth - indexWidth) / (width + 2))));
  const lines = [head];
  for (let i = 0; i < texts.length; i += perLine) {
    const row = texts.slice(i, i + perLine).map((text) => `  ${text.padStart(width)}`);
    lines.push(`${String(i).padStart(indexWidth)}${row.join("")}`);
  }
  if (array.length > shown) {
    lines.push(`${"".padStart(indexWidth)}  and ${array.length - shown} more; ${summaryOf(numbers, array)}`);
  }
  return lines.join("\n");
}

/** As many digits as the element type has. */
function showNumber(value: number, array: TypedArray): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value) || !["f32", "f16"].includes(elementTypeOf(array))) return String(value);
  return String(Number(value.toPrecision(elementTypeOf(array) === "f16" ? 4 : 7)));
}

function summaryOf(numbers: ArrayLike<number>, array: TypedArray): string {
  let [least, most, sum, notNumbers] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    if (Number.isNaN(value)) {
      notNumbers += 1;
      continue;
    }
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
  }
  const nan = notNumbers === 0 ? "" : `, ${notNumbers} NaN`;
  if (notNumbers === numbers.length) return `all of them NaN`;
  const mean = Number((sum / (numbers.length - notNumbers)).toPrecision(7));
  return `least ${showNumber(least, array)}, most ${showNumber(most, array)}, mean ${mean}${nan}`;
}

/** Numbers for JSON, which has no NaN and no infinity: those are texts. */
export function jsonNumbers(array: TypedArray): (number | string)[] {
  return Array.from(toNumbers(array), (value) => (Number.isFinite(value) ? value : String(value)));
}
