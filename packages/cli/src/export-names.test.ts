import { expect, it } from "vitest";
import { exportNames } from "./export-names.js";

it.each([
  ["scale", "scale", "ScaleBindings"],
  ["my-kernel", "myKernel", "MyKernelBindings"],
  ["matrix.product v2", "matrixProductV2", "MatrixProductV2Bindings"],
  ["snake_case", "snake_case", "Snake_caseBindings"],
  ["2d", "_2d", "_2dBindings"],
  ["-", "_", "_Bindings"],
  ["", "_", "_Bindings"],
  ["größe-漢字", "größe漢字", "Größe漢字Bindings"],
  ["delete", "delete_", "Delete_Bindings"],
  ["wgsl", "wgsl_", "Wgsl_Bindings"],
  ["Uint32Array", "Uint32Array_", "Uint32Array_Bindings"],
])("%j is exported as %s, with %s", (name, kernel, bindings) => {
  expect(exportNames([name])).toEqual([{ kernel, bindings }]);
});

it("gives no name twice", () => {
  expect(exportNames(["a-b", "aB", "scale", "Scale", "ScaleBindings"])).toEqual([
    { kernel: "aB", bindings: "ABBindings" },
    { kernel: "aB_", bindings: "AB_Bindings" },
    { kernel: "scale", bindings: "ScaleBindings" },
    { kernel: "Scale", bindings: "ScaleBindings_" },
    { kernel: "ScaleBindings__", bindings: "ScaleBindings__Bindings" },
  ]);
});
