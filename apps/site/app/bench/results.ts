/** A run's result as it is shared and written to files: the schema of the command's `--json`, and what a page adds. */
import type { DeviceInfo } from "@kiln-gpu/core";
import type { Section } from "../../../bench/src/section.js";
import type { ComparisonFigures } from "../../../bench/src/suites/comparison.js";
import { fromLinkText, toLinkText } from "../link.js";
import type { SuiteName } from "./messages.js";

export interface Result {
  readonly device: DeviceInfo;
  readonly host: { readonly [name: string]: string };
  /** Of the comparison; the figures of other suites are in `suites`. */
  readonly figures?: ComparisonFigures["figures"];
  readonly targets?: ComparisonFigures["targets"];
  readonly suites: { readonly [name in Exclude<SuiteName, "comparison">]?: unknown };
  readonly page?: PageFacts;
}

interface PageFacts {
  readonly browser: string;
  readonly timerStepUs: number;
  readonly isIsolated: boolean;
  readonly isoDate: string;
  /** How often the run waited because the page was hidden. */
  readonly pauses: number;
}

export interface Measured {
  readonly suite: SuiteName;
  readonly figures: unknown;
  readonly sections?: readonly Section[];
}

export function resultOf({ suite, figures }: Measured, device: DeviceInfo, page: PageFacts): Result {
  const host = { browser: page.browser };
  if (suite !== "comparison") return { device, host, suites: { [suite]: figures }, page };
  return { device, host, ...(figures as ComparisonFigures), suites: {}, page };
}

/** What a result holds, if it is one. */
export function measuredIn(result: Result): Measured | undefined {
  if (Array.isArray(result?.figures)) {
    return { suite: "comparison", figures: { figures: result.figures, targets: result.targets ?? [] } };
  }
  for (const suite of ["transfer", "throughput", "chain", "compute"] as const) {
    const figures = result?.suites?.[suite];
    if (figures) return { suite, figures };
  }
  return undefined;
}

/** @throws {Error} that says what `text` should be. */
export function parseResult(text: string): Result {
  const expected = "Expected a result of this page, or a file that the bench wrote with --json";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${expected}; got text that is no JSON.`, { cause });
  }
  return checkedResult(value, expected);
}

function checkedResult(value: unknown, expected: string): Result {
  const { device } = (value ?? {}) as Partial<Result>;
  if (typeof device?.name !== "string" || !measuredIn(value as Result))
    throw new Error(`${expected}; got another file.`);
  const result = value as Result;
  return { ...result, suites: result.suites ?? {} };
}

/** Six digits are more than runs repeat, and make short links. Counters of the backends stay out. */
export async function linkTextOf({ figures, suites, ...rest }: Result): Promise<string> {
  const { name, vendor, architecture, isSoftware, features } = rest.device;
  const device = { name, vendor, architecture, isSoftware, features, limits: {} };
  const short = JSON.stringify({ ...rest, device, figures, suites }, (key, value) => {
    if (key === "stats") return undefined;
    return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
  });
  return toLinkText(JSON.parse(short));
}

export async function resultOfLink(text: string): Promise<Result> {
  return checkedResult(await fromLinkText(text), "Expected a link to a result");
}

export function markdownOf(sections: readonly Section[], { name }: DeviceInfo): string {
  const parts = sections.map((section) => {
    if (!("rows" in section)) return section.text;
    const columns = Object.keys(section.rows[0]!);
    const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
    const rows = section.rows.map((row) => line(columns.map((column) => row[column] ?? "")));
    return [`**${section.title}**\n`, line(columns), line(columns.map(() => "---")), ...rows].join("\n");
  });
  return [`Kiln's bench on ${name}`, ...parts].join("\n\n");
}
