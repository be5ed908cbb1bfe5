import { output, type PersistentComputeBackend, temporary } from "kiln-gpu";
import { blur, colors, detail, edges, unpack } from "./filters.js";

/** The form of the canvas's `ImageData`: four bytes for each pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** What the sliders set. */
export interface Settings {
  /** Of the blur, in pixels. */
  readonly radius: number;
  readonly detail: number;
  readonly edges: number;
  readonly saturation: number;
  readonly contrast: number;
  readonly brightness: number;
}

/** With these the result is the picture itself. */
const neutral: Settings = { radius: 0, detail: 0, edges: 0, saturation: 1, contrast: 1, brightness: 0 };

export interface FilterChain extends Disposable {
  readonly picture: Picture;
  /** The bytes of the filtered picture. */
  apply(settings: Settings): Promise<Uint8ClampedArray<ArrayBuffer>>;
}

/**
 * Uploads `picture` and records all filters over it. From then on a change of the settings costs one replay: some
 * numbers go to the GPU, and the finished pixels come back.
 */
export async function openFilterChain(gpu: PersistentComputeBackend, picture: Picture): Promise<FilterChain> {
  const { width, height, data } = picture;
  const pixels = width * height;
  const resident = await gpu.array(new Uint32Array(data.slice().buffer), { label: "picture" });
  const image = temporary(Float32Array, 4 * pixels);
  const sequence = await gpu.record(
    { ...neutral, first: image, second: image, third: image, result: output(Uint32Array, pixels) },
    (run, { first, second, third, result, ...set }) => {
      const size = [width, height] as const;
      const everyPixel = { threads: size };
      run(unpack, { picture: resident, image: first });
      run(blur, { size, axis: [1, 0], radius: set.radius, image: first, result: second }, everyPixel);
      run(blur, { size, axis: [0, 1], radius: set.radius, image: second, result: third }, everyPixel);
      run(detail, { amount: set.detail, image: first, blurred: third, result: second });
      run(edges, { size, amount: set.edges, image: second, result: third }, everyPixel);
      run(colors, {
        saturation: set.saturation,
        contrast: set.contrast,
        brightness: set.brightness,
        image: third,
        picture: result,
      });
    },
    { label: "filters" },
  );
  return {
    picture,
    async apply(settings) {
      const { result } = await sequence.replay(settings);
      return new Uint8ClampedArray(result.buffer as ArrayBuffer);
    },
    [Symbol.dispose]() {
      sequence.dispose();
      resident.dispose();
    },
  };
}
