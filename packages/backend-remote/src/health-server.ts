import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpOptions } from "./worker-options.js";

/** Answers `GET /health` with 200 or 503, and `GET /metrics` in Prometheus' text format. */
export async function openHealthServer(
  { port, host = "127.0.0.1" }: HttpOptions,
  isHealthy: () => boolean,
  metrics: () => Promise<string>,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?", 1)[0];
    const answer = (status: number, type: string, text: string) =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    if (request.method !== "GET") return answer(405, "text/plain", "Only GET.\n");
    if (path === "/health") return isHealthy() ? answer(200, "text/plain", "ok\n") : answer(503, "text/plain", "no\n");
    if (path !== "/metrics") return answer(404, "text/plain", "There are /health and /metrics.\n");
    return metrics().then(
      (text) => answer(200, "text/plain; version=0.0.4; charset=utf-8", text),
      () => answer(503, "text/plain", "Redis does not answer.\n"),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
