import type { Output } from "./output.js";

export type Styles = { readonly [style in "dim" | "green" | "red"]: (text: string) => string };

const codes = { dim: 2, green: 32, red: 31 };

/** Colours for a terminal that has some; `hasColors` of Node's terminals asks for NO_COLOR as well. */
export function stylesOf(output: Output): Styles {
  const isColoured = output.isTTY === true && output.hasColors?.() === true;
  const style = (name: keyof Styles) => (text: string) =>
    isColoured ? `\u001b[${codes[name]}m${text}\u001b[0m` : text;
  return { dim: style("dim"), green: style("green"), red: style("red") };
}
