/** What needs Node: an entry point of its own, so that a page never loads it. */
import { channel } from "node:diagnostics_channel";
import type { Tracer } from "@kiln-gpu/core";

/**
 * Publishes each event on the channel of its kind: `kiln:run`, `kiln:task`, `kiln:submission` and `kiln:device`. While no channel has a
 * subscriber nothing is noted, so it may stay in place.
 */
export function diagnosticsChannel(): Tracer {
  // Kept here: Node drops a channel that nobody refers to, with its subscribers.
  const run = channel("kiln:run");
  const task = channel("kiln:task");
  const submission = channel("kiln:submission");
  const device = channel("kiln:device");
  const channels = { run, task, submission, device };
  return {
    get isEnabled() {
      return run.hasSubscribers || task.hasSubscribers || submission.hasSubscribers || device.hasSubscribers;
    },
    record(event) {
      channels[event.kind].publish(event);
    },
  };
}
