/**
 * The command: opens every peer, lets them take turns at each job, and reports.
 * @typedef {{ spread: import("./statistics.mjs").Spread, toKiln?: import("./statistics.mjs").Spread, rounds: number[]
 *   }} Figure
 * @typedef {{ job: import("./measure.mjs").Job, figures: Record<string, Figure> }} JobFigures
 * @typedef {{ id: string, name: string, version: string, adapter?: string, failure?: string }} PeerResult
 * @typedef {object} Results
 * @property {{ cpu: string, node: string, platform: string, arch: string }} host
 * @property {string} adapter
 * @property {number} rounds
 * @property {PeerResult[]} peers
 * @property {JobFigures[]} jobs
 */
import { appendFile, writeFile } from "node:fs/promises";
import { arch, cpus } from "node:os";
import { dirname } from "node:path";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { help, parseOptions, UsageError } from "./options.mjs";
import { kiln } from "./peer.mjs";
import { formatSize, reportOf } from "./report.mjs";
import { startPeer } from "./start-peer.mjs";
import { spreadOf } from "./statistics.mjs";

/** Where calls overlap, they do so at this many elements. */
const overlapSize = 1024;

async function main(args) {
  const options = parseOptions(args);
  if (options === "help") {
    console.log(help);
    return 0;
  }
  // Now, rather than after minutes of measuring.
  if (options.json !== undefined) await appendFile(options.json, "");
  const env = options.software ? await softwareEnvironment() : process.env;
  /** @type {PeerResult[]} */
  const peers = [];
  /** @type {Map<string, import("./start-peer.mjs").RunningPeer>} */
  const running = new Map();
  for (const id of options.peers) {
    progress(`opens ${id}`);
    try {
      const peer = await startPeer(id, env);
      running.set(id, peer);
      peers.push({ id, name: peer.name, version: peer.version, adapter: peer.adapter });
    } catch (error) {
      peers.push({ id, name: id, version: "", failure: error.message });
    }
  }
  const jobs = [];
  for (const job of jobsOf(options)) {
    const figures = await takeTurns(job, options.rounds, running, (id, failure) => {
      running.delete(id);
      for (const peer of peers) if (peer.id === id) peer.failure = failure;
    });
    jobs.push({ job, figures });
  }
  for (const peer of running.values()) await peer.close();
  progress("");
  const host = {
    cpu: cpus()[0]?.model ?? "unknown",
    node: process.versions.node,
    platform: process.platform,
    arch: arch(),
  };
  const adapter = peers.find(({ id }) => id === kiln)?.adapter ?? "none that Kiln opens";
  /** @type {Results} */
  const results = { host, adapter, rounds: options.rounds, peers, jobs };
  console.log(reportOf(results));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  return peers.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** All libraries find drivers and their loader through these variables. */
async function softwareEnvironment() {
  const { manifest, loader } = await softwareGpu.locate();
  return { ...process.env, VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: dirname(loader) };
}

/** @returns {import("./measure.mjs").Job[]} */
function jobsOf({ sizes, matrices }) {
  return [
    ...sizes.map((size) => ({ workload: "add", size })),
    ...(sizes.length > 0 ? [1, 4, 16] : []).map((inFlight) => ({ workload: "add", size: overlapSize, inFlight })),
    ...matrices.map((size) => ({ workload: "matmul", size })),
  ];
}

/**
 * Each peer that can do the job takes one turn in each round, so that a drift of the machine's speed affects all
 * equally. Each round starts with another peer, so that none always follows the same one.
 * @param {(id: string, failure: string) => void} drop Called for a peer that fails; its earlier turns do not count.
 * @returns {Promise<Record<string, Figure>>}
 */
async function takeTurns(job, rounds, running, drop) {
  /** @type {Map<string, number[]>} */
  const taken = new Map();
  for (let round = 0; round < rounds; round += 1) {
    const able = [...running.values()].filter(({ workloads }) => workloads.includes(job.workload));
    const first = round % Math.max(able.length, 1);
    for (const peer of [...able.slice(first), ...able.slice(0, first)]) {
      progress(`${describe(job)}, round ${round + 1} of ${rounds}: ${peer.name}`);
      try {
        taken.set(peer.id, [...(taken.get(peer.id) ?? []), await peer.measure(job)]);
      } catch (error) {
        taken.delete(peer.id);
        drop(peer.id, `${describe(job)}: ${error.message}`);
      }
    }
  }
  const reference = taken.get(kiln);
  return Object.fromEntries(
    [...taken].map(([id, figures]) => {
      const toKiln = reference && spreadOf(figures.map((figure, round) => figure / reference[round]));
      return [id, { spread: spreadOf(figures), toKiln, rounds: figures }];
    }),
  );
}

function describe({ workload, size, inFlight }) {
  if (workload === "matmul") return `matrix product ${size}x${size}`;
  return `add ${formatSize(size)}${inFlight === undefined ? "" : `, ${inFlight} in flight`}`;
}

/** Shows progress on one line that is overwritten, only on a terminal. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}
