import { changingCalls, expectCalls, freshKernel } from "@kiln-gpu/test-support";
import { describe, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** What a call is given is read before it returns; the elements of typed arrays alone are borrowed. */
export function describeTakenBindings(suite: Suite): void {
  describe("a call", () => {
    const backend = useBackend(suite);

    it.each(Object.entries(changingCalls))("takes %s", async (_, ask) => {
      const kernel = freshKernel();
      // The first time while the kernel is compiled, then warm.
      for (let i = 0; i < 3; i += 1) {
        await expectCalls(ask((bindings, options) => backend().run(kernel, bindings, options)));
      }
    });
  });
}
