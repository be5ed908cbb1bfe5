import { unitWgsl } from "./fft-wgsl.js";

/** What Philox multiplies by and adds to its key, in every round. */
export const factors = [0xd251_1f53, 0xcd9e_8d57] as const;
export const keySteps = [0x9e37_79b9, 0xbb67_ae85] as const;
export const rounds = 10;

export type Distribution = "words" | "uniform" | "normal";

/** A function `distribute` from four words to four numbers. */
const distributions: { readonly [name in Distribution]: string } = {
  words: "fn distribute(words: vec4u) -> vec4u { return words; }",
  uniform: "fn distribute(words: vec4u) -> vec4f { return vec4f(words >> vec4(8u)) * 0x1p-24; }",
  normal: /* wgsl */ `
${unitWgsl(true)}
// -ln((word + 1) / 2^24) of 24 bits; of a number near 1 the series needs no sum with a multiple of ln 2.
fn negativeLog(word: u32) -> f32 {
  let number = word + 1;
  let exponent = firstLeadingBit(number);
  let fraction = f32(number) * bitcast<f32>((127 - exponent) << 23);
  let isUpper = fraction > 1.41421356;
  let near = select(fraction, 0.5 * fraction, isUpper);
  let s = (near - 1) / (near + 1);
  let z = s * s;
  let log = 2 * s * (1 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9)))));
  return f32(24 - i32(exponent) - select(0, 1, isUpper)) * 0.69314718055994531 - log;
}

fn distribute(words: vec4u) -> vec4f {
  let parts = words >> vec4(8u);
  let first = sqrt(2 * negativeLog(parts.x)) * unit(parts.y, 1 << 24);
  let second = sqrt(2 * negativeLog(parts.z)) * unit(parts.w, 1 << 24);
  return vec4f(first, second);
}
`,
};

export const randomWgsl = (distribution: Distribution, isAligned: boolean) => /* wgsl */ `
struct Generator {
  key: vec2u,
  counter: vec4u,
}

@group(0) @binding(0) var<uniform> generator: Generator;
@group(0) @binding(1) var<storage, read_write> results: array<${arrayElement(distribution, isAligned)}>;
${distributions[distribution]}
// The upper and the lower 32 bits of a product.
fn product(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffff) * (b & 0xffff);
  let first = (a >> 16) * (b & 0xffff) + (low >> 16);
  let second = (a & 0xffff) * (b >> 16) + (first & 0xffff);
  return vec2u((a >> 16) * (b >> 16) + (first >> 16) + (second >> 16), a * b);
}

fn encrypt(counter: vec4u, key: vec2u) -> vec4u {
  var block = counter;
  var roundKey = key;
  for (var round = 0u; round < ${rounds}; round++) {
    let first = product(${factors[0]}, block.x);
    let second = product(${factors[1]}, block.z);
    block = vec4u(second.x ^ block.y ^ roundKey.x, second.y, first.x ^ block.w ^ roundKey.y, first.y);
    roundKey += vec2u(${keySteps[0]}, ${keySteps[1]});
  }
  return block;
}

// A counter of 128 bits.
fn add(counter: vec4u, i: u32) -> vec4u {
  var sum = counter;
  sum.x += i;
  if (sum.x < i) {
    sum.y++;
    if (sum.y == 0) {
      sum.z++;
      if (sum.z == 0) { sum.w++; }
    }
  }
  return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let numbers = distribute(encrypt(add(generator.counter, id.x), generator.key));
${
  isAligned
    ? "if (id.x < arrayLength(&results)) { results[id.x] = numbers; }"
    : [..."xyzw"]
        .map((x, k) => `if (4 * id.x + ${k} < arrayLength(&results)) { results[4 * id.x + ${k}] = numbers.${x}; }`)
        .join("\n")
}
}
`;

function arrayElement(distribution: Distribution, isAligned: boolean): string {
  const number = distribution === "words" ? "u32" : "f32";
  return isAligned ? `vec4<${number}>` : number;
}
