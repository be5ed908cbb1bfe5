import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry, entryAddress, entryIdentity, sealEntry } from "./store-entry.js";
import type { StoredValue } from "./stored-value.js";

const identity = entryIdentity("tuning", ["sum", "a device"]);

async function entryOf(value: StoredValue, of = identity): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = encodeEntry(of, value);
  await sealEntry(bytes);
  return bytes;
}

describe("an entry of the store", () => {
  it("is three lines and the payload, the same from version to version", async () => {
    expect(new TextDecoder().decode(await entryOf({ workgroupSize: 256 }))).toMatchInlineSnapshot(`
      "c5d599de69b623211751be295243a6505119db3e9420073fa20b9df2b14dd7c3
      ["kiln-store 1","tuning",["sum","a device"]]
      json
      {"workgroupSize":256}"
    `);
    expect(await entryAddress(identity)).toMatchInlineSnapshot(
      `"50100d26049b376eb8458bb64e54149fbe70f280d1eb6aa798e1cc031fc6a463"`,
    );
  });

  it("decodes to the value that was encoded", async () => {
    const value = fc.oneof(
      // JSON has no negative zero.
      fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as StoredValue),
      fc.uint8Array(),
    );
    await fc.assert(
      fc.asyncProperty(value, fc.string({ unit: "binary" }), async (given, key) => {
        const of = entryIdentity("a", key);
        expect(await decodeEntry(of, await entryOf(given, of))).toStrictEqual(given);
      }),
      { numRuns: 300 },
    );
  });

  it("decodes to bytes with a buffer of their own, so that they can be read as words", async () => {
    const bytes = (await decodeEntry(identity, await entryOf(new Uint8Array([1, 0, 0, 0])))) as Uint8Array;
    expect([...new Uint32Array(bytes.buffer)]).toEqual([1]);
  });

  it("encodes the value as it was at the call", async () => {
    const list = [1];
    const bytes = encodeEntry(identity, list);
    list.push(2);
    await sealEntry(bytes);
    expect(await decodeEntry(identity, bytes)).toEqual([1]);
  });

  it.each([["json", { size: 64 }] as const, ["bytes", new Uint8Array([1, 2, 3])] as const])(
    "of %s is refused when it is cut short, made longer, or has any bit flipped",
    async (_, value) => {
      const bytes = await entryOf(value);
      for (let i = 0; i < bytes.length; i++) {
        expect(await decodeEntry(identity, bytes.slice(0, i))).toBeUndefined();
        for (let bit = 0; bit < 8; bit++) {
          const flipped = bytes.slice();
          flipped[i]! ^= 1 << bit;
          expect(await decodeEntry(identity, flipped)).toBeUndefined();
        }
      }
      expect(await decodeEntry(identity, new Uint8Array([...bytes, 0]))).toBeUndefined();
    },
  );

  it("is refused under any other identity, even with a right checksum", async () => {
    for (const other of [entryIdentity("tuning", "sum"), entryIdentity("shader", ["sum", "a device"]), ""]) {
      expect(await decodeEntry(other, await entryOf(1))).toBeUndefined();
    }
  });

  it("is refused when its payload is not JSON, even with a right checksum", async () => {
    const bytes = encodeEntry(identity, "text");
    bytes[bytes.length - 1] = 0x20;
    await sealEntry(bytes);
    expect(await decodeEntry(identity, bytes)).toBeUndefined();
  });

  it("has different identities for namespaces and keys that look alike", () => {
    const identities = [
      entryIdentity("a", "b"),
      entryIdentity("a", ["b"]),
      entryIdentity("a", ["b", ""]),
      entryIdentity("a", ["b", "c"]),
      entryIdentity("a", "b,c"),
      entryIdentity("a", 'b","c'),
      entryIdentity("a", "b\nc"),
      entryIdentity("a", "b\\nc"),
      entryIdentity("a", "\ud800"),
      entryIdentity("a", "\\ud800"),
      entryIdentity("a", "\ufffd"),
      entryIdentity("a", ""),
      entryIdentity("a", []),
      entryIdentity("", "a"),
      entryIdentity("ab", ""),
    ];
    expect(new Set(identities).size).toBe(identities.length);
    expect(identities.join("")).not.toContain("\n");
  });
});
