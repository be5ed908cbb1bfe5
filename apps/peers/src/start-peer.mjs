import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * The process of a peer, as seen by the command.
 * @typedef {object} RunningPeer
 * @property {string} id
 * @property {string} name
 * @property {string} version
 * @property {string} adapter
 * @property {string[]} workloads
 * @property {(job: import("./measure.mjs").Job) => Promise<number>} measure Rejects if the peer fails, exits or is
 *   silent.
 * @property {() => Promise<void>} close
 */

const silenceMs = 180_000;
const closeMs = 5_000;

/**
 * @param {string} id One of `peerNames`.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<RunningPeer>}
 */
export async function startPeer(id, env) {
  const script = fileURLToPath(new URL("./peer-process.mjs", import.meta.url));
  const child = fork(script, [id], { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  // Libraries print greetings and warnings. If a process dies without a message, its last line is the reason.
  let lastLine = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      lastLine = String(chunk).trim().split("\n").at(-1) || lastLine;
    });
  }
  const answer = async () => {
    const { promise, settle } = nextMessage(child);
    const timer = setTimeout(() => settle({ failure: `It does not answer within ${silenceMs / 1000} s.` }), silenceMs);
    ended.then((how) => settle({ failure: `Its process ends (${how}): ${lastLine || "without a word"}` }));
    const message = await promise;
    clearTimeout(timer);
    if (message.failure === undefined) return message;
    child.kill("SIGKILL");
    throw new Error(message.failure);
  };
  // A message to a process that has exited is an error too, but the exit itself is reported above.
  const send = (/** @type {import("./measure.mjs").Job | "close"} */ message) => child.send(message, () => {});
  const { name, version, adapter, workloads } = await answer();
  return {
    id,
    name,
    version,
    adapter,
    workloads,
    async measure(job) {
      send(job);
      return (await answer()).figure;
    },
    async close() {
      send("close");
      const timer = setTimeout(() => child.kill("SIGKILL"), closeMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Resolves with the next message of the child, or with the argument of `settle` if that is called first. */
function nextMessage(child) {
  let settle;
  const promise = new Promise((resolve) => {
    settle = resolve;
    child.once("message", resolve);
  });
  return { promise, settle };
}
