import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { softwareGpu } from "@kiln-gpu/software-gpu";

export const dynamic = "force-dynamic";

export async function GET() {
  const gpu = await openPersistentBackend({ fallback: softwareGpu, store: false });
  try {
    const [a, b] = [new Float32Array([1, 2]), new Float32Array([3, 4])];
    const { c } = await gpu.run(fieldAddSpirv, { a, b, c: output(Float32Array, 2) });
    return Response.json([...c]);
  } finally {
    await gpu.dispose();
  }
}
