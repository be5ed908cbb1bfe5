/** Plain data as the end of a link: JSON, deflated, in base64url. Nothing is sent anywhere. */

/** A link's data may come from anyone, so it is not unpacked beyond this. */
const maxUnpackedBytes = 2 ** 20;

export async function toLinkText(value: unknown): Promise<string> {
  const json = new Blob([JSON.stringify(value)]);
  const packed = await new Response(json.stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer();
  const binary = Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws {Error} that says what is wrong with the link. */
export async function fromLinkText(text: string): Promise<unknown> {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const chunks: BlobPart[] = [];
    let length = 0;
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const reader = stream.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > maxUnpackedBytes) {
        await reader.cancel();
        throw new Error(`more than ${maxUnpackedBytes} bytes`);
      }
      chunks.push(next.value as Uint8Array<ArrayBuffer>);
    }
    return JSON.parse(await new Blob(chunks).text());
  } catch (cause) {
    throw new Error(`This link is damaged: ${(cause as Error).message}.`, { cause });
  }
}
