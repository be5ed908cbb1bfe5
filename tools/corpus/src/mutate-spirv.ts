import fc from "fast-check";

/** One change of a module; places and values are taken modulo what the module has. */
export type Mutation =
  | { readonly kind: "set word"; readonly at: number; readonly value: number }
  | { readonly kind: "set id"; readonly at: number; readonly value: number }
  | { readonly kind: "copy word"; readonly at: number; readonly from: number }
  | { readonly kind: "flip bit"; readonly at: number; readonly bit: number }
  | { readonly kind: "set operand"; readonly at: number; readonly operand: number; readonly value: number }
  | { readonly kind: "drop instruction"; readonly at: number }
  | { readonly kind: "repeat instruction"; readonly at: number; readonly to: number }
  | { readonly kind: "move instruction"; readonly at: number; readonly to: number }
  | { readonly kind: "truncate"; readonly at: number };

const place = fc.nat({ max: 1_000_000 });
const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.nat({ max: 400 }),
);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("set word" as const), at: place, value: word }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("set id" as const), at: place, value: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("copy word" as const), at: place, from: place }) },
  fc.record({ kind: fc.constant("flip bit" as const), at: place, bit: fc.nat({ max: 31 }) }),
  {
    // Leaves the instructions whole, and so comes further than the rest.
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("set operand" as const),
      at: place,
      operand: fc.nat({ max: 6 }),
      value: fc.oneof(place, fc.nat({ max: 40 })),
    }),
  },
  fc.record({ kind: fc.constant("drop instruction" as const), at: place }),
  fc.record({ kind: fc.constant("repeat instruction" as const), at: place, to: place }),
  fc.record({ kind: fc.constant("move instruction" as const), at: place, to: place }),
  fc.record({ kind: fc.constant("truncate" as const), at: place }),
);

const headerWords = 5;

/** The module with these changes, one after the other. */
export function mutateSpirv(spirv: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let words = new Uint32Array(spirv.slice().buffer);
  for (const mutation of mutations) words = mutated(words, mutation);
  return new Uint8Array(words.buffer);
}

function mutated(given: Uint32Array<ArrayBuffer>, mutation: Mutation): Uint32Array<ArrayBuffer> {
  if (given.length <= headerWords) return given;
  const words = given.slice();
  const at = headerWords + (mutation.at % (words.length - headerWords));
  switch (mutation.kind) {
    case "set word":
      words[at] = mutation.value;
      return words;
    case "set id":
      words[at] = mutation.value % Math.max(words[3]!, 1);
      return words;
    case "copy word":
      words[at] = words[mutation.from % words.length]!;
      return words;
    case "flip bit":
      words[at]! ^= 1 << mutation.bit;
      return words;
    case "truncate":
      return words.slice(0, mutation.at % words.length);
    default:
      return rearranged(words, mutation);
  }
}

function rearranged(words: Uint32Array<ArrayBuffer>, mutation: Mutation & { readonly at: number }) {
  const instructions: Uint32Array[] = [];
  for (let at = headerWords; at < words.length; ) {
    const length = Math.max(words[at]! >>> 16, 1);
    instructions.push(words.subarray(at, at + length));
    at += length;
  }
  const at = mutation.at % instructions.length;
  const chosen = instructions[at]!;
  if (mutation.kind === "set operand") {
    if (chosen.length > 1)
      chosen[1 + (mutation.operand % (chosen.length - 1))] = mutation.value % Math.max(words[3]!, 1);
    return words;
  }
  if (mutation.kind !== "repeat instruction") instructions.splice(at, 1);
  if ("to" in mutation) instructions.splice(mutation.to % (instructions.length + 1), 0, chosen);
  return Uint32Array.of(...words.subarray(0, headerWords), ...instructions.flatMap((instruction) => [...instruction]));
}
