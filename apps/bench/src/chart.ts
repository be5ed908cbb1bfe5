/** A chart as inline SVG: a line for each contender, a band from its tenth to its ninetieth percentile. */
import type { NamedTiming } from "./timings.js";

const [plotWidth, plotHeight, left, top] = [560, 260, 84, 16];
/** Of one letter, at most. */
const letterWidth = 7;
/** The most labels that stand side by side; more of them are turned. */
const maxLevel = 6;
/** Hues that people with color blindness tell apart (Okabe and Ito, 2008), and dashes that need no hue. */
const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"];
const dashes = ["", "8 4", "2 3", "10 3 2 3"];

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** @param timings Of the same subjects, in the order of the chart. */
export function chartOf(timings: readonly NamedTiming[]): string {
  const subjects = [...new Set(timings.map(({ subject }) => subject))];
  const contenders = [...new Set(timings.map(({ contender }) => contender))];
  const longest = (texts: readonly string[]) => letterWidth * Math.max(...texts.map((text) => text.length));
  const isTurned = subjects.length > maxLevel || longest(subjects) > plotWidth / subjects.length;
  const right = left + plotWidth;
  const base = top + plotHeight;
  const width = right + 60 + longest(contenders);
  const height = base + 30 + (isTurned ? longest(subjects) / 2 : 0);
  // Logarithms have no place for a time of 0, which a clock of coarse resolution gives.
  const positive = timings.flatMap(({ timing }) => [timing.p10Ms, timing.p90Ms]).filter((ms) => ms > 0);
  const least = 10 ** Math.floor(Math.log10(Math.min(...positive, 1)));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...positive, least * 10)));
  const x = (subject: string) => {
    const part = subjects.length === 1 ? 0.5 : subjects.indexOf(subject) / (subjects.length - 1);
    return left + part * plotWidth;
  };
  const y = (ms: number) => {
    const part = Math.log10(Math.max(ms, least) / least) / Math.log10(most / least);
    return base - part * plotHeight;
  };
  const place = (subject: string, ms: number) => `${x(subject).toFixed(1)},${y(ms).toFixed(1)}`;
  const grid: string[] = [];
  for (let ms = least; ms <= most * 1.001; ms *= 10) {
    const at = y(ms).toFixed(1);
    grid.push(`<line class="grid" x1="${left}" y1="${at}" x2="${right}" y2="${at}"/>`);
    grid.push(`<text x="${left - 8}" y="${at}" text-anchor="end" dy="4">${Number(ms.toPrecision(1))} ms</text>`);
  }
  const labels = subjects.map((subject) => {
    const transform = `translate(${x(subject).toFixed(1)} ${base + 18})${isTurned ? " rotate(30)" : ""}`;
    return `<text transform="${transform}"${isTurned ? "" : ' text-anchor="middle"'}>${escapeHtml(subject)}</text>`;
  });
  const series = contenders.map((contender, i) => {
    const color = colors[i % colors.length]!;
    const own = timings.filter((named) => named.contender === contender);
    const line = own.map(({ subject, timing }) => place(subject, timing.medianMs)).join(" ");
    const up = own.map(({ subject, timing }) => place(subject, timing.p90Ms));
    const down = own.map(({ subject, timing }) => place(subject, timing.p10Ms)).reverse();
    const keyY = top + 10 + i * 18;
    const dash = dashes[i % dashes.length]!;
    const dots = own.map(({ subject, timing }) => {
      const [cx, cy] = place(subject, timing.medianMs).split(",");
      const title = `${contender}, ${subject}: ${timing.medianMs.toPrecision(3)} ms`;
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"><title>${escapeHtml(title)}</title></circle>`;
    });
    return [
      `<polygon points="${[...up, ...down].join(" ")}" fill="${color}" opacity="0.1"/>`,
      `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`,
      ...dots,
      `<line x1="${right + 12}" y1="${keyY}" x2="${right + 40}" y2="${keyY}" stroke="${color}" ` +
        `stroke-width="2" stroke-dasharray="${dash}"/>`,
      `<text x="${right + 46}" y="${keyY}" dy="4">${escapeHtml(contender)}</text>`,
    ].join("");
  });
  const fullHeight = Math.max(height, top + 20 + contenders.length * 18);
  const name =
    "Median times, with bands from the tenth to the ninetieth percentile; the same figures are in the table.";
  return (
    `<svg viewBox="0 0 ${width} ${fullHeight}" role="img" aria-label="${name}">` +
    `${grid.join("")}${labels.join("")}${series.join("")}</svg>`
  );
}
