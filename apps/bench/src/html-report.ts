/** The report as one file that needs no other: charts, tables, the machine and versions. */
import { chartOf, escapeHtml } from "./chart.js";
import { ms, spread } from "./format.js";
import type { NamedTiming } from "./timings.js";

export interface HtmlReport {
  /** As it is printed: the adapter, the kernels, the host. */
  readonly head: string;
  readonly versions: Readonly<Record<string, string>>;
  /** What each suite prints, by its name. */
  readonly reports: Readonly<Record<string, string>>;
  readonly timings: readonly NamedTiming[];
  /** As it is printed; absent if no other run was named. */
  readonly comparison?: string;
}

const style = `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto; font-size: 0.8rem; line-height: 1.3 } table { border-collapse: collapse; font-size: 0.9rem }
td, th { padding: 0.2rem 1.2rem 0.2rem 0; text-align: left; white-space: nowrap }
:is(td, th):nth-child(n+3) { text-align: right }
svg { width: 100%; min-width: 44rem; height: auto } svg text { font-size: 12px; fill: currentColor }
summary { padding: 0.3rem 0; cursor: pointer } h3 { margin-bottom: 0 }
.grid { stroke: currentColor; opacity: 0.2 } .scroll { overflow-x: auto }`;

export function htmlReport({ head, versions, reports, timings, comparison }: HtmlReport): string {
  const suites = Object.entries(reports).map(([suite, report]) => {
    const own = timings.filter((named) => named.suite === suite);
    const charts = own.length === 0 ? "" : `${chartsOf(own)}${tableOf(own)}`;
    return `<h2>${escapeHtml(suite)}</h2>${charts}<details><summary>As printed</summary>${pre(report)}</details>`;
  });
  const rows = Object.entries(versions).map(
    ([name, version]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(version)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Kiln bench</title>
<style>${style}</style></head>
<body>
<h1>Kiln bench</h1>
${pre(head)}
<table>${rows.join("")}</table>
${comparison === undefined ? "" : `<h2>Comparison</h2>${pre(comparison)}`}
${suites.join("\n")}
</body>
</html>
`;
}

function pre(text: string): string {
  return `<pre>${escapeHtml(text)}</pre>`;
}

/** One chart; or one for each first part of the subjects, such as `size 64`, if these have more parts. */
function chartsOf(timings: readonly NamedTiming[]): string {
  const parts = timings.map(({ subject }) => subject.split(", "));
  if (parts.every(({ length }) => length === 1)) return scrolled(chartOf(timings));
  return [...new Set(parts.map(([first]) => first!))]
    .map((first) => {
      const own = timings
        .filter((_, i) => parts[i]![0] === first)
        .map((named) => ({ ...named, subject: named.subject.slice(first.length + 2) }));
      return `<h3>${escapeHtml(first)}</h3>${scrolled(chartOf(own))}`;
    })
    .join("");
}

function scrolled(html: string): string {
  return `<div class="scroll">${html}</div>`;
}

function tableOf(timings: readonly NamedTiming[]): string {
  const rows = timings.map(({ subject, contender, timing }) => {
    const cells = [subject, contender, ms(timing.medianMs), spread(timing), String(timing.count)];
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`;
  });
  const heads = ["subject", "contender", "median", "p10 to p90", "samples"];
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join("");
  return `<details><summary>Figures</summary>${scrolled(`<table><tr>${head}</tr>${rows.join("")}</table>`)}</details>`;
}
