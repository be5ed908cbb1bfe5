import type { DeviceInfo } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { headOf } from "./head.js";
import { comparison } from "./suites/comparison.js";
import { memory } from "./suites/memory.js";
import { transfer } from "./suites/transfer.js";

const device: DeviceInfo = {
  name: "GPU 3000",
  vendor: "vendor",
  architecture: "",
  isSoftware: false,
  limits: {} as DeviceInfo["limits"],
  features: ["timestamp-query"],
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrices: [],
};
const host = "Node 30.0.0, plan9 sparc";
const software: DeviceInfo = { ...device, isSoftware: true, features: [] };

test("names the adapter, and says in capitals if it is a software GPU", () => {
  const gpu = headOf(device, [comparison], { sizes: undefined, host });
  expect(gpu).toContain("Adapter    GPU 3000");
  expect(gpu).toContain(`Host       ${host}`);
  expect(gpu).toContain("timestamp queries: yes");
  expect(gpu).not.toContain("SOFTWARE");
  const none = headOf(software, [comparison], { sizes: undefined, host });
  expect(none).toContain("a SOFTWARE GPU");
  expect(none).toContain("timestamp queries: no");
});

test("names each kernel once", () => {
  const lines = headOf(device, [comparison, transfer, memory], { sizes: undefined, host }).split("\n");
  expect(lines.filter((line) => line.includes("field add"))).toEqual([
    `Kernel     ${transfer.kernel}`,
    `           ${memory.kernel}; every result is checked`,
  ]);
});

test("says which sizes are left out", () => {
  expect(headOf(software, [transfer], { sizes: undefined, host })).toContain("a software GPU stops at 1M elements");
  expect(headOf(software, [transfer], { sizes: [2 ** 24], host })).not.toContain("Sizes");
  expect(headOf(software, [comparison], { sizes: undefined, host })).not.toContain("Sizes");
  expect(headOf(device, [transfer], { sizes: undefined, host })).not.toContain("Sizes");
});
