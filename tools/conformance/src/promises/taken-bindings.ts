import { changingCalls, expectCalls, freshKernel } from "@kiln-gpu/test-support";
import { describe, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** A call reads its arguments before it returns; only the elements of typed arrays are read later. */
export function describeTakenBindings(suite: Suite): void {
  describe("a call", () => {
    const backend = useBackend(suite);

    it.each(Object.entries(changingCalls))("reads %s", async (_, ask) => {
      const kernel = freshKernel();
      // The first round compiles the kernel; the others are warm.
      for (let i = 0; i < 3; i += 1) {
        await expectCalls(ask((bindings, options) => backend().run(kernel, bindings, options)));
      }
    });
  });
}
