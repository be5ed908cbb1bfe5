import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { softwareGpu } from "./software-gpu.js";

/** The name of the adapter that `writePretendedGpu` makes. */
export const pretendedName = "pretended-h-device";

/**
 * A driver that says of itself that it is a discrete GPU, for machines that have none. It is SwiftShader with other
 * bytes where it describes itself.
 */
export async function writePretendedGpu(folder: string): Promise<{ manifest: string }> {
  const bytes = await readFile((await softwareGpu.locate()).library);
  replaceAll(bytes, Buffer.from("SwiftShader"), Buffer.from("Pretended-H"));
  // VkPhysicalDeviceProperties: the vendor 0x1ae0 and the device 0xc0de, then the code that stores the type CPU (4)
  // becomes one for discrete (2).
  replaceAll(bytes, Buffer.from("00004001e01a0000dec00000", "hex"), Buffer.from("00004001feca000001000000", "hex"));
  replaceAll(bytes, Buffer.from("c705381a330004000000", "hex"), Buffer.from("c705381a330002000000", "hex"));
  const library = join(folder, "libpretended_gpu.so");
  await writeFile(library, bytes);
  await chmod(library, 0o700);
  const manifest = join(folder, "pretended.json");
  const icd = { library_path: library, api_version: "1.1.0" };
  await writeFile(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD: icd }));
  return { manifest };
}

function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): void {
  let count = 0;
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) {
    to.copy(bytes, at);
    count += 1;
  }
  if (count === 0) throw new Error(`The driver holds no ${from.toString("hex")}.`);
}
