import { expect, test } from "vitest";
import { checkFeatures } from "./check-features.js";
import type { OpenDevice } from "./open-device.js";

const check = (wgsl: string, features: readonly string[], isOwned = true) =>
  checkFeatures({ info: { name: "GPU", features }, isOwned } as unknown as OpenDevice, { label: 'Kernel "k"', wgsl });

test.each<[string, string]>([
  ["enable f16;", "shader-f16"],
  ["// half\n/* enable subgroups; */ requires x; diagnostic(off, y);\nenable f16 ;", "shader-f16"],
  ["enable\n  subgroups, f16,;", "subgroups"],
  ["enable f16; enable subgroups; fn f() {}", "shader-f16"],
])("%j needs a feature", (wgsl, feature) => {
  expect(() => check(wgsl, ["timestamp-query"])).toThrow(
    expect.objectContaining({ code: "unsupported-shader", message: expect.stringContaining(`"${feature}"`) }),
  );
  expect(() => check(wgsl, ["shader-f16", "subgroups"])).not.toThrow();
});

test.each(["", "// enable f16;", "fn f() { enable_f16(); }", "const a = 1; // enable f16;", "enable unheard_of;"])(
  "%j needs no feature",
  (wgsl) => expect(() => check(wgsl, [])).not.toThrow(),
);

test("says what the device has, and that a caller's own device may be opened with more", () => {
  expect(() => check("enable f16;", ["a", "b"])).toThrow(
    'Kernel "k" needs the feature "shader-f16" for `enable f16`; the device "GPU" does not have it. ' +
      'Its features: "a", "b".',
  );
  expect(() => check("enable f16;", [], false)).toThrow(/Its features: none\. If its adapter has the feature, request/);
});
