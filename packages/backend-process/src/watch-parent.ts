/**
 * A thread of the child that ends it once its parent is gone. The main thread is told so too, but may be inside a call
 * of the driver that does not return.
 */
import { setInterval } from "node:timers";
import { workerData } from "node:worker_threads";

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
}, 500);
