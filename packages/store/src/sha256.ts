/** The SHA-256 of `bytes`, which are read before the first await, as 64 hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Always there: WebGPU and `crypto.subtle` are both for secure contexts only.
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
  let digits = "";
  for (const byte of new Uint8Array(digest)) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
