/** The part that needs Node; a separate entry point, so that pages never load it. */
import { channel } from "node:diagnostics_channel";
import type { Tracer } from "@kiln-gpu/core";

/**
 * Publishes each event on the channel of its kind: `kiln:run`, `kiln:task`, `kiln:submission` or `kiln:device`. While
 * no channel has a subscriber, nothing is recorded, so this tracer may stay in place.
 */
export function diagnosticsChannel(): Tracer {
  // Node collects a channel without references, together with its subscribers, so the tracer refers to each.
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
