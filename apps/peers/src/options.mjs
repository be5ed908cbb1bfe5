import { parseArgs } from "node:util";
import { kiln, peerNames } from "./peer.mjs";

/** An error in the command line; the command exits with 2. */
export class UsageError extends Error {}

export const help = `Usage: peers [options]

Adds two arrays of f32, and multiplies square matrices of f32, with Kiln and with other libraries in turn, each in its
own process. Checks every result, and prints medians, their spread and their ratios to Kiln's.

Options:
  --sizes LIST     elements to add, with K and M for 1024 and 1024*1024, or none (default: 64,1K,64K,1M,4M)
  --matrices LIST  rows of the matrices to multiply, or none (default: 512,1024,2048)
  --rounds N       turns of each library at each size (default: 7)
  --only LIST      only these and ${kiln}: ${peerNames.filter((name) => name !== kiln).join(", ")}
  --software       the software GPU, even if there is another GPU
  --json FILE      writes the figures to FILE
  --help           prints this help`;

/**
 * @param {string[]} args
 * @throws {UsageError} With the flag, what is expected and what was given.
 */
export function parseOptions(args) {
  const values = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return "help";
  return {
    sizes: parseSizes("--sizes", values.sizes ?? "64,1K,64K,1M,4M"),
    matrices: parseSizes("--matrices", values.matrices ?? "512,1024,2048"),
    rounds: parseSize("--rounds", values.rounds ?? "7"),
    peers: values.only === undefined ? peerNames : parseOnly(values.only),
    software: values.software ?? false,
    json: values.json,
  };
}

/** @param {string[]} args */
function parse(args) {
  const text = { type: /** @type {const} */ ("string") };
  const flag = { type: /** @type {const} */ ("boolean") };
  const options = { sizes: text, matrices: text, rounds: text, only: text, software: flag, json: text, help: flag };
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
}

/**
 * @param {string} flag
 * @param {string} text
 */
function parseSizes(flag, text) {
  return text === "none" ? [] : text.split(",").map((size) => parseSize(flag, size));
}

/**
 * @param {string} flag
 * @param {string} text
 */
function parseSize(flag, text) {
  const match = /^([1-9]\d*)([km]?)$/i.exec(text.trim());
  const unit = { k: 2 ** 10, m: 2 ** 20 }[match?.[2].toLowerCase()] ?? 1;
  const size = match ? Number(match[1]) * unit : 0;
  if (size < 1 || size > 2 ** 23) {
    throw new UsageError(`${flag} must have whole numbers from 1 to 8M, such as 64 or 4K; got "${text}".`);
  }
  return size;
}

/** @param {string} text */
function parseOnly(text) {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !peerNames.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only must be a list of ${peerNames.join(", ")}; got "${unknown}".`);
  }
  return peerNames.filter((name) => name === kiln || names.includes(name));
}
