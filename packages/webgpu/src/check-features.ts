import { ComputeError } from "@kiln-gpu/core";
import type { CompiledText } from "./compilation-error.js";
import type { OpenDevice } from "./open-device.js";

/** The features of a device that WGSL's `enable` directives need. */
const featureOf: { readonly [extension: string]: string } = {
  f16: "shader-f16",
  subgroups: "subgroups",
  chromium_experimental_subgroup_matrix: "chromium-experimental-subgroup-matrix",
};

/**
 * Checks that the device has the features that a text enables. Dawn's own error says that an extension is not allowed in
 * "the current environment".
 * @throws {ComputeError} `unsupported-shader`, with the feature and those that the device has.
 */
export function checkFeatures({ info, isOwned }: OpenDevice, { label, wgsl }: CompiledText): void {
  for (const extension of enabledBy(wgsl)) {
    const feature = featureOf[extension];
    if (feature === undefined || info.features.includes(feature)) continue;
    const has = info.features.length === 0 ? "none" : info.features.map((name) => `"${name}"`).join(", ");
    const advice = isOwned ? "" : " If its adapter has the feature, request it when you open the device.";
    throw new ComputeError(
      "unsupported-shader",
      `${label} needs the feature "${feature}" for \`enable ${extension}\`; the device "${info.name}" does not have ` +
        `it. Its features: ${has}.${advice}`,
    );
  }
}

/** The extensions of a text's `enable` directives, which come before all declarations. */
function enabledBy(wgsl: string): string[] {
  if (!wgsl.includes("enable")) return [];
  const code = wgsl.replace(/\/\/.*|\/\*[\s\S]*?\*\//gu, " ");
  const directives = /^(?:\s|(?:enable|requires|diagnostic)\b[^;]*;|;)*/u.exec(code)![0];
  return [...directives.matchAll(/\benable\b([^;]*);/gu)].flatMap(([, names]) => names!.match(/\w+/gu) ?? []);
}
