/** The worker of the place `thread`. */
import { parentPort, workerData } from "node:worker_threads";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { serveThread } from "@kiln-gpu/backend-thread";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { disposeOnStop } from "@kiln-gpu/webgpu";

const opening = openPersistentBackend({ ...workerData, fallback: softwareGpu });
disposeOnStop(parentPort, opening);
serveThread(parentPort!, opening);
