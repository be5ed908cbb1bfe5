/**
 * The size of the buffer for a request of `byteLength`: a multiple of 256, with four sizes for each power of two above
 * 1024. At most 255 bytes or a quarter of `byteLength` is wasted, and similar lengths share buffers.
 * @param maxBufferSize The device's limit. If the size would exceed it, `byteLength` is rounded up to 256, or else to
 *   4.
 * @returns `undefined` if `byteLength` itself exceeds the limit.
 */
export function sizeClassOf(byteLength: number, maxBufferSize: number): number | undefined {
  let step = 256;
  while (step * 8 < byteLength) step *= 2;
  for (const multiple of [step, 256, 4]) {
    const size = Math.max(1, Math.ceil(byteLength / multiple)) * multiple;
    if (size <= maxBufferSize) return size;
  }
  return undefined;
}
