/** Draws line charts as SVG, one below the other. */

export interface Chart {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
}

const width = 900;
const height = 180;
const margin = { left: 70, right: 20, top: 30, bottom: 24 };
const colors = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

/** @param times The times of the values, in seconds. */
export function svgOf(times: readonly number[], charts: readonly Chart[]): string {
  const drawn = charts.map((chart, i) => `<g transform="translate(0 ${i * height})">${drawChart(times, chart)}</g>`);
  const size = `width="${width}" height="${height * charts.length}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${drawn.join("\n")}
</svg>
`;
}

function drawChart(times: readonly number[], { title, lines }: Chart): string {
  const longest = Math.max(...times, 1);
  const most = Math.max(...lines.flatMap(({ values }) => [...values]), Number.MIN_VALUE);
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const x = (seconds: number) => margin.left + (seconds / longest) * (right - margin.left);
  const y = (value: number) => bottom - (value / most) * (bottom - margin.top);
  const grid = [0, 0.5, 1].map((part) => {
    const at = y(part * most).toFixed(1);
    return (
      `<line x1="${margin.left}" x2="${right}" y1="${at}" y2="${at}" stroke="#ddd"/>` +
      `<text x="${margin.left - 6}" y="${at}" text-anchor="end">${format(part * most)}</text>`
    );
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (part) =>
      `<text x="${x(part * longest).toFixed(1)}" y="${height - 8}" text-anchor="middle">` +
      `${format(part * longest)} s</text>`,
  );
  const drawn = lines.map(({ name, values }, i) => {
    const points = values.map((value, at) => `${x(times[at]!).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    const color = colors[i % colors.length];
    return (
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="1.5"/>` +
      `<text x="${right - 110 * (lines.length - i)}" y="16" fill="${color}">${name}</text>`
    );
  });
  return [`<text x="${margin.left}" y="16" font-weight="bold">${title}</text>`, ...grid, ...ticks, ...drawn].join("");
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
