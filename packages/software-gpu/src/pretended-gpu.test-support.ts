import { writeDriver } from "@kiln-gpu/processes";
import { softwareGpu } from "./software-gpu.js";

/** The name of the adapter that `writePretendedGpu` makes. */
export const pretendedName = "pretended-h-device";

/**
 * A driver that says of itself that it is a discrete GPU, for machines that have none. It is SwiftShader with other
 * bytes where it describes itself.
 */
export async function writePretendedGpu(folder: string): Promise<{ manifest: string }> {
  const { library } = await softwareGpu.locate();
  const manifest = await writeDriver(library, folder, "pretended", [
    [Buffer.from("SwiftShader"), Buffer.from("Pretended-H")],
    // VkPhysicalDeviceProperties: the vendor 0x1ae0 and the device 0xc0de, then the code that stores the type CPU (4)
    // becomes one for discrete (2).
    [Buffer.from("00004001e01a0000dec00000", "hex"), Buffer.from("00004001feca000001000000", "hex")],
    [Buffer.from("c705381a330004000000", "hex"), Buffer.from("c705381a330002000000", "hex")],
  ]);
  return { manifest };
}
