import type { DeviceInfo, DeviceLimits } from "@kiln-gpu/core";

/** What all of these devices offer. */
export function sharedDevice(devices: readonly DeviceInfo[]): DeviceInfo {
  const [first, ...others] = devices as [DeviceInfo, ...DeviceInfo[]];
  const isInAll =
    <T>(has: (device: DeviceInfo, part: T) => boolean) =>
    (part: T) =>
      others.every((device) => has(device, part));
  const shared = (word: "vendor" | "architecture") =>
    others.every((device) => device[word] === first[word]) ? first[word] : "";
  return {
    name: nameAll(devices.map(({ name }) => name)),
    vendor: shared("vendor"),
    architecture: shared("architecture"),
    isSoftware: devices.some(({ isSoftware }) => isSoftware),
    limits: sharedLimits(devices.map(({ limits }) => limits)),
    features: first.features.filter(isInAll(({ features }, feature) => features.includes(feature))),
    subgroupMinSize: Math.min(...devices.map(({ subgroupMinSize }) => subgroupMinSize)),
    subgroupMaxSize: devices.some(({ subgroupMaxSize }) => subgroupMaxSize === 0)
      ? 0
      : Math.max(...devices.map(({ subgroupMaxSize }) => subgroupMaxSize)),
    subgroupMatrices: first.subgroupMatrices.filter(
      isInAll(({ subgroupMatrices }, matrix) =>
        subgroupMatrices.some((other) => JSON.stringify(other) === JSON.stringify(matrix)),
      ),
    ),
  };
}

/** A run must fit every device: the smallest of each maximum, and the largest of each minimum. */
function sharedLimits(all: readonly DeviceLimits[]): DeviceLimits {
  const limits: { -readonly [name in keyof DeviceLimits]: number } = { ...all[0]! };
  for (const name of Object.keys(limits) as (keyof DeviceLimits)[]) {
    const values = all.map((each) => each[name]);
    limits[name] = name.startsWith("min") ? Math.max(...values) : Math.min(...values);
  }
  return limits;
}

/** `2 × NVIDIA H200`, or the different names. */
function nameAll(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(" and ");
}
