/** Preloaded: copies to descriptor 3 what the program writes to standard error, Node's warnings included. */
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

// What a worker thread writes comes through the main thread.
if (isMainThread) {
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk, ...rest) => {
    writeSync(3, chunk);
    return write(chunk, ...rest);
  };
}
