/** The bytes that `base64` stands for, without Node's Buffer: pages and workers have none. */
/* @__NO_SIDE_EFFECTS__ */
export function decodeBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
