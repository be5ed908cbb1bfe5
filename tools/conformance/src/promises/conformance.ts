/**
 * The promises of `ComputeBackend` as one suite for every backend. It tests shared behavior, seen from outside; each
 * backend's own tests cover the rest.
 */

import { collectUnhandledRejections } from "@kiln-gpu/test-support";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import type { Suite } from "../support/suite.js";
import { describeBindings } from "./bindings.js";
import { describeCancellation } from "./cancellation.js";
import { describeConcurrency } from "./concurrency.js";
import { describeConstantExpressions } from "./constant-expressions.js";
import { describeCountedLengths } from "./counted-lengths.js";
import { describeDispatchSize } from "./dispatch-size.js";
import { describeErrors } from "./errors.js";
import { describeFaults } from "./faults.js";
import { describeImmediates } from "./immediates.js";
import { describeIsolation } from "./isolation.js";
import { describeKeptResources } from "./kept-resources.js";
import { describeKernelResults } from "./kernel-results.js";
import { describeLengths } from "./lengths.js";
import { describeLifecycle } from "./lifecycle.js";
import { describeLimits } from "./limits.js";
import { describeOptions } from "./options.js";
import { describePrimitiveResults } from "./primitive-results.js";
import { describeProfile } from "./profile.js";
import { describePrograms } from "./programs.js";
import { describeTakenBindings } from "./taken-bindings.js";
import { describeUniformLayouts } from "./uniform-layouts.js";
import { describeUniforms } from "./uniforms.js";
import { describeUnusedBindings } from "./unused-bindings.js";
import { describeWgslDiagnostics } from "./wgsl-diagnostics.js";
import { describeWrongArrays } from "./wrong-arrays.js";
import { describeZeroedMemory } from "./zeroed-memory.js";

/** Declares the tests of one backend. Call it once per test file. */
export function conformance(suite: Suite): void {
  describe(`the ${suite.name} backend${suite.mode ? ` (${suite.mode})` : ""}`, () => {
    let unhandledRejections: (() => Promise<unknown[]>) | undefined;
    const warn = vi.spyOn(console, "warn");
    beforeAll(() => {
      unhandledRejections = collectUnhandledRejections();
    });
    afterAll(async () => {
      expect(await unhandledRejections?.()).toEqual([]);
      // Opened devices warn about errors that no scope caught.
      expect(warn.mock.calls).toEqual([]);
    });

    describeKernelResults(suite);
    describePrimitiveResults(suite);
    describeUniforms(suite);
    describeUniformLayouts(suite);
    describeBindings(suite);
    describeTakenBindings(suite);
    describeWrongArrays(suite);
    describeUnusedBindings(suite);
    describeImmediates(suite);
    describeZeroedMemory(suite);
    describeIsolation(suite);
    describePrograms(suite);
    describeConstantExpressions(suite);
    describeWgslDiagnostics(suite);
    describeDispatchSize(suite);
    describeLengths(suite);
    describeCountedLengths(suite);
    describeLimits(suite);
    describeErrors(suite);
    describeOptions(suite);
    describeConcurrency(suite);
    describeCancellation(suite);
    describeLifecycle(suite);
    describeProfile(suite);
    if (suite.capabilities.adoptsDevice) describeFaults(suite);
    if (suite.capabilities.keepsResources) describeKeptResources(suite);
  });
}
