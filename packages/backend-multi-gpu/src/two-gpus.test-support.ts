import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { uuidOfSoftwareGpu, writeSoftwareGpus } from "@kiln-gpu/processes";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { LosableDevices } from "@kiln-gpu/test-support";
import type { GpuInfo } from "@kiln-gpu/webgpu";
import { afterAll, beforeAll } from "vitest";
import { Member } from "./member.js";

export const [uuidA, uuidB] = [uuidOfSoftwareGpu("a"), uuidOfSoftwareGpu("b")];

/** Gives the process of a test file two GPUs of one name, before anything looks for one. */
export function useTwoGpus(): void {
  let folder: string | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "two-gpus-"));
    const { library } = await softwareGpu.locate();
    Object.assign(process.env, await writeSoftwareGpus(library, folder, [{ letter: "a" }, { letter: "b" }]));
  });
  afterAll(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });
}

/** A member of a backend, on a device of the software GPU that can be lost. */
export async function losableMember(index: number, options: PersistentBackendOptions = {}) {
  const devices = new LosableDevices();
  const gpu: GpuInfo = {
    index,
    name: "Pretended",
    uuid: index === 0 ? uuidA : uuidB,
    pciAddress: undefined,
    driver: undefined,
    kind: "software",
  };
  return { devices, member: new Member(gpu, await openPersistentBackend({ ...options, device: devices.open })) };
}
