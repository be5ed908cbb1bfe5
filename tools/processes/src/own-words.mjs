/** Preloaded: copies to descriptor 3 what the program writes to standard error, including Node's warnings. */
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

// The output of worker threads passes through the main thread.
if (isMainThread) {
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk, ...rest) => {
    writeSync(3, chunk);
    return write(chunk, ...rest);
  };
}
