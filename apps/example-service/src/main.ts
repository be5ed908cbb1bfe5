import { openPersistentBackend, softwareGpu } from "kiln-gpu";
import { createService } from "./service.js";

// Yours come from a file or a database.
const dimensions = 64;
const vectors = Float32Array.from({ length: 10_000 * dimensions }, () => Math.random() - 0.5);

// One backend for the life of the process. The name lets the next start compile what this process used.
const gpu = await openPersistentBackend({ fallback: softwareGpu, warmUp: "example-service", deadlineMs: 10_000 });
const service = await createService(gpu, { vectors, dimensions });
await service.listen({ host: process.env.HOST ?? "localhost", port: Number(process.env.PORT ?? 3000) });

async function shutDown(signal: NodeJS.Signals): Promise<void> {
  service.log.info(`Closing after ${signal}.`);
  // Accepts no more, and answers what has come. Then the device can go.
  await service.close();
  await gpu.dispose();
  service.log.info("Closed.");
  // A kernel that never ends would keep the process.
  if (gpu.stats().devices.abandoned > 0) process.exit(0);
}
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, shutDown);
