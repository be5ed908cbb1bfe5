/** The figures as text: tables of fixed width, one row for each peer. */
import { kiln } from "./peer.mjs";

/**
 * @param {import("./main.mjs").Results} results
 * @returns {string}
 */
export function reportOf({ host, adapter, rounds, peers, jobs }) {
  const elsewhere = peers.filter((peer) => peer.adapter !== undefined && peer.adapter !== adapter);
  const exceptions = elsewhere.map((peer) => `${peer.name}: ${peer.adapter}`).join("; ");
  const head = [
    `GPU: ${adapter}${exceptions && ` (${exceptions})`}`,
    `CPU: ${host.cpu}, Node ${host.node}, ${host.platform} ${host.arch}`,
    `Medians of ${rounds} rounds and, beside them, the median of their ratios to Kiln's, round by round.`,
  ];
  const timed = jobs.filter(({ job }) => job.inFlight === undefined);
  const additions = timed.filter(({ job }) => job.workload === "add");
  const rates = jobs.filter(({ job }) => job.inFlight !== undefined);
  const products = timed.filter(({ job }) => job.workload === "matmul");
  const milliseconds = (/** @type {number} */ ms) => ms.toFixed(ms < 1 ? 4 : ms < 100 ? 2 : 0);
  const perSecond = (/** @type {number} */ rate) => `${(rate / 1000).toFixed(2)}k`;
  const elements = ({ size }) => formatSize(size);
  const matrix = ({ size }) => `${size}x${size}`;
  return [
    head.join("\n"),
    table("Add, ms per call, by elements", peers, additions, elements, milliseconds),
    spreadTable("Spread of the same over the rounds, p10..p90", peers, additions, elements, milliseconds),
    table(
      "Add of 1K elements, calls per second, by calls in flight",
      peers,
      rates,
      ({ inFlight }) => String(inFlight),
      perSecond,
    ),
    table("Matrix product, ms per call", peers, products, matrix, milliseconds),
    spreadTable("Spread of the same over the rounds, p10..p90", peers, products, matrix, milliseconds),
    failuresOf(peers),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** @param {number} size 65536 is `64K`. */
export function formatSize(size) {
  if (size % 2 ** 20 === 0) return `${size / 2 ** 20}M`;
  return size % 2 ** 10 === 0 ? `${size / 2 ** 10}K` : String(size);
}

function table(title, peers, jobs, columnOf, format) {
  return render(title, peers, jobs, columnOf, ({ median }, ratio, { id }) =>
    id === kiln ? format(median) : `${format(median)} ${ratio === undefined ? "" : `${ratio.median.toFixed(2)}x`}`,
  );
}

function spreadTable(title, peers, jobs, columnOf, format) {
  return render(title, peers, jobs, columnOf, ({ p10, p90 }) => `${format(p10)}..${format(p90)}`);
}

function render(title, peers, jobs, columnOf, cellOf) {
  const shown = peers.filter(({ id }) => jobs.some(({ figures }) => figures[id]));
  if (shown.length === 0) return "";
  const rows = [
    ["", "version", ...jobs.map(({ job }) => columnOf(job))],
    ...shown.map((peer) => [
      peer.name,
      peer.version,
      ...jobs.map(({ figures }) => {
        const figure = figures[peer.id];
        return figure ? cellOf(figure.spread, figure.toKiln, peer) : "-";
      }),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  "),
  );
  return [title, ...lines.map((line) => line.trimEnd())].join("\n");
}

function failuresOf(peers) {
  const failed = peers.filter(({ failure }) => failure !== undefined);
  return failed.map(({ name, failure }) => `${name} does not run: ${failure}`).join("\n");
}
