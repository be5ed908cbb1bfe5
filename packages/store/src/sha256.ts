/** The SHA-256 of `bytes` as 64 hexadecimal digits. Reads `bytes` before the first await. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // A page that has WebGPU has `crypto.subtle` too: both need a secure context.
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
  let digits = "";
  for (const byte of new Uint8Array(digest)) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
