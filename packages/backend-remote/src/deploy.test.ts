/** What the files of `deploy/` say of queues and metrics. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { QueueKeys } from "./queue-address.js";
import { WorkerMetrics } from "./worker-metrics.js";

const read = (path: string) => readFile(new URL(`../../../deploy/${path}`, import.meta.url), "utf8");

test("the dashboard asks for metrics that a worker has", async () => {
  const none = { made: 0, reused: 0, live: 0 };
  const text = new WorkerMetrics().text({
    active: 0,
    bytesInFlight: 0,
    waiting: 0,
    backend: {
      runs: { started: 0, completed: 0, failed: 0, pending: 0, retried: 0 },
      submissions: 0,
      queue: { waiting: 0, inFlight: 0 },
      devices: { ...none, lost: 0, abandoned: 0 },
      pipelines: { ...none, evicted: 0, warmed: 0 },
      bindGroups: { ...none, evicted: 0 },
      buffers: { ...none, bytes: 0, highWaterBytes: 0, inUseBytes: 0, waiting: 0 },
      store: { hits: 0, misses: 0, failures: 0, programs: 0 },
    },
  });
  const known = new Set([...text.matchAll(/^(kiln_\w+)/gm)].map(([, name]) => name));
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(await read("grafana/kiln-workers.json"));
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const asked = queries.flatMap((query) => query.match(/kiln_\w+/g) ?? []);
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

test("workers are scaled by the list in which jobs wait", async () => {
  const [, list] = /listName: "(.*)"/.exec(await read("kubernetes/scaled-object.yaml"))!;
  expect(list).toBe(new QueueKeys("kernels").job("wait"));
});
