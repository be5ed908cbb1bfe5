import { expect, it, vi } from "vitest";
import { unmap } from "./unmap.js";

it("unmaps a buffer, also on a lost device whose `unmap` throws", () => {
  const buffer = { unmap: vi.fn<() => undefined>() };
  unmap(buffer as unknown as GPUBuffer);
  buffer.unmap.mockImplementationOnce(() => {
    throw new DOMException("validation error occurred");
  });
  expect(() => unmap(buffer as unknown as GPUBuffer)).not.toThrow();
  expect(buffer.unmap).toHaveBeenCalledTimes(2);
});
