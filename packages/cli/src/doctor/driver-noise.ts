/** What Vulkan drivers write to standard error while a program looks for a GPU, and what it means. */

const meanings: readonly (readonly [RegExp, string])[] = [
  [
    /XDG_RUNTIME_DIR/,
    "Mesa looks for a screen and finds none. The line is harmless; any folder in XDG_RUNTIME_DIR ends it.",
  ],
  [
    /Vulkan \S+ required/,
    "WebGPU refuses a driver that lacks what it needs; most often that is an older Mesa's driver for the CPU. The line " +
      "is harmless if another adapter is found.",
  ],
  [
    /Found no drivers|INCOMPATIBLE_DRIVER/,
    "The Vulkan loader is installed, and no driver for a GPU that this machine has.",
  ],
  [
    /not a conformant Vulkan/i,
    "Mesa offers a driver that is not a GPU's own, such as the one for the CPU, beside others. The line is harmless.",
  ],
  [
    /\b(MESA|ZINK|libEGL|DRI3)\b/,
    "One of Mesa's drivers looks for its GPU and finds none that it may open. The line is harmless if another adapter " +
      "is found.",
  ],
  [
    /loader_|ICD|libvulkan/,
    "The Vulkan loader skips a driver whose library is missing or broken. Remove its .json file, or reinstall it.",
  ],
];

export interface ExplainedNoise {
  readonly line: string;
  readonly meaning?: string;
}

/** Where in its own code WebGPU found a problem that the line before has named. */
const isPlace = (line: string) => /^- While |^at \w+ \(/.test(line);

/** Each line once, with its meaning if it is known. */
export function explainNoise(noise: string): ExplainedNoise[] {
  const trimmed = noise.split("\n").map((line) => line.trim());
  const lines = new Set(trimmed.filter((line) => line !== "" && !isPlace(line)));
  return [...lines].map((line) => {
    const found = meanings.find(([pattern]) => pattern.test(line));
    return found ? { line, meaning: found[1] } : { line };
  });
}
