/** Decodes `base64` without Node's Buffer, which pages and workers lack. */
/* @__NO_SIDE_EFFECTS__ */
export function decodeBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
