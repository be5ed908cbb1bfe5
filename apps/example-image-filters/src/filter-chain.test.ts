import { openPersistentBackend, type PersistentComputeBackend, softwareGpu } from "kiln-gpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFilterChain, type Picture, type Settings } from "./filter-chain.js";

const neutral: Settings = { radius: 0, detail: 0, edges: 0, saturation: 1, contrast: 1, brightness: 0 };
// No side is a multiple of a workgroup's.
const [width, height] = [21, 13];
const picture: Picture = {
  width,
  height,
  data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i * i * 7 + 31 * i) % 256),
};

let gpu: PersistentComputeBackend;
beforeAll(async () => {
  gpu = await openPersistentBackend({ fallback: softwareGpu, software: true });
});
afterAll(() => gpu.dispose());

async function filtered(settings: Settings): Promise<Uint8ClampedArray> {
  using chain = await openFilterChain(gpu, picture);
  return chain.apply(settings);
}

test.each<[string, Partial<Settings>]>([
  ["nothing", {}],
  ["a blur", { radius: 3.5, detail: -1 }],
  ["sharpening", { radius: 2, detail: 1.5 }],
  ["edges", { edges: 0.75 }],
  ["saturation", { saturation: 0.25 }],
  ["contrast", { contrast: 1.75 }],
  ["brightness", { brightness: -0.25 }],
  ["all of them", { radius: 1, detail: 0.5, edges: 0.3, saturation: 1.5, contrast: 0.8, brightness: 0.1 }],
])("filters with %s as the CPU does", async (_, changed) => {
  const settings = { ...neutral, ...changed };
  const result = await filtered(settings);
  const expected = reference(picture, settings);
  expect(result).toHaveLength(expected.length);
  // A value halfway between two bytes may be rounded either way.
  for (const [i, value] of expected.entries()) expect(Math.abs(result[i]! - value), `byte ${i}`).toBeLessThanOrEqual(1);
});

test("leaves the picture as it is while no filter is set", async () => {
  expect(await filtered(neutral)).toEqual(picture.data);
});

test("serves one change of the settings after the other", async () => {
  using chain = await openFilterChain(gpu, picture);
  const dark = chain.apply({ ...neutral, brightness: -1 });
  const same = chain.apply(neutral);
  expect((await dark).filter((_, i) => i % 4 !== 3)).toEqual(new Uint8ClampedArray(3 * width * height));
  expect(await same).toEqual(picture.data);
});

type Color = readonly [number, number, number, number];

/** The chain on the CPU, in float64. */
function reference({ data }: Picture, settings: Settings): Uint8ClampedArray {
  const at = (image: readonly Color[], x: number, y: number) =>
    image[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)]!;
  const each = (make: (x: number, y: number) => Color): Color[] =>
    Array.from({ length: width * height }, (_, i) => make(i % width, Math.floor(i / width)));
  const grey = ([r, g, b]: Color) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const perColor = (color: Color, change: (value: number, i: number) => number): Color => {
    const [r, g, b, a] = color;
    return [change(r, 0), change(g, 1), change(b, 2), a];
  };

  const { radius } = settings;
  const sigma = Math.max(radius / 2, 0.01);
  const blurred = (image: readonly Color[], dx: number, dy: number) =>
    each((x, y) => {
      const sum = [0, 0, 0, 0];
      let weights = 0;
      for (let i = -Math.ceil(radius); i <= Math.ceil(radius); i += 1) {
        const weight = Math.exp((-i * i) / (2 * sigma * sigma));
        for (const [j, value] of at(image, x + i * dx, y + i * dy).entries()) sum[j]! += weight * value;
        weights += weight;
      }
      return sum.map((value) => value / weights) as unknown as Color;
    });

  const image = each((x, y) => [...data.subarray(4 * (y * width + x))].slice(0, 4).map((v) => v / 255) as never);
  const soft = blurred(blurred(image, 1, 0), 0, 1);
  const detailed = each((x, y) =>
    perColor(at(image, x, y), (value, i) =>
      Math.min(Math.max(value + settings.detail * (value - at(soft, x, y)[i]!), 0), 1),
    ),
  );
  const edged = each((x, y) => {
    let [gx, gy] = [0, 0];
    for (let i = -1; i <= 1; i += 1) {
      const weight = 2 - Math.abs(i);
      gx += weight * (grey(at(detailed, x + 1, y + i)) - grey(at(detailed, x - 1, y + i)));
      gy += weight * (grey(at(detailed, x + i, y + 1)) - grey(at(detailed, x + i, y - 1)));
    }
    const { edges } = settings;
    return perColor(at(detailed, x, y), (value) => (1 - edges) * value + edges * Math.hypot(gx, gy));
  });
  const bytes = edged.flatMap((color) => {
    const saturated = (value: number) => grey(color) + settings.saturation * (value - grey(color));
    return perColor(color, (value) => (saturated(value) - 0.5) * settings.contrast + 0.5 + settings.brightness);
  });
  return Uint8ClampedArray.from(bytes, (value) => 255 * value);
}
