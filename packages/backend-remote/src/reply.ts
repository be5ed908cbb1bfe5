/** Where the bytes of an input or a result are: in the message itself, in a key of Redis, or in the caller's store. */
export type Place = "inline" | "redis" | "store";

/** What a worker tells the client about a job, on the client's channel. */
export type Reply =
  | { readonly kind: "result"; readonly id: string; readonly place: Place; readonly workedMs: number }
  | { readonly kind: "progress"; readonly id: string; readonly value: number }
  /** The worker could not find all that the job needs: the client must send everything again. */
  | { readonly kind: "again"; readonly id: string };

const none = new Uint8Array();

/** A head of JSON, led by its length, and then the bytes. */
export function encodeReply(reply: Reply, bytes: Uint8Array = none): Buffer {
  const head = Buffer.from(JSON.stringify(reply));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, bytes]);
}

/** Returns `undefined` for a message that is not a reply: anyone who reaches Redis may send one. */
export function decodeReply(message: Buffer): { readonly reply: Reply; readonly bytes: Uint8Array } | undefined {
  if (message.length < 4) return undefined;
  const end = 4 + message.readUInt32LE(0);
  if (end > message.length) return undefined;
  const reply = parseReply(message.toString("utf8", 4, end));
  return reply && { reply, bytes: new Uint8Array(message.subarray(end)) };
}

function parseReply(text: string): Reply | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, id, place, workedMs, value: progress } = value as Record<string, unknown>;
  if (typeof id !== "string") return undefined;
  if (kind === "again") return { kind, id };
  if (kind === "progress" && typeof progress === "number") return { kind, id, value: progress };
  if (kind === "result" && isPlace(place) && typeof workedMs === "number") return { kind, id, place, workedMs };
  return undefined;
}

export function isPlace(value: unknown): value is Place {
  return value === "inline" || value === "redis" || value === "store";
}
