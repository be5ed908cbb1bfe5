import { bufferUsage, mapMode } from "./gpu-flags.js";
import { nudge } from "./nudge-device.js";

/** While a map is pending, npm webgpu asks the device again and again: so each look is short. */
const lookMs = 20;
const firstPauseMs = 500;
const longestPauseMs = 60_000;

/**
 * Destroys `device`, which is held by a kernel that may never end, once it has ended after all: before, that would block for as long. It is looked at ever
 * less often, at last once a minute, and keeps no process alive.
 * @param onReclaimed Called once it is destroyed.
 */
export function reclaimLater(device: GPUDevice, onReclaimed: () => void): void {
  const probe = device.createBuffer({ size: 4, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
  // Behind all that the device was given, for only then its map waits for that.
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(probe);
  device.queue.submit([encoder.finish()]);
  const lost = device.lost.then(() => true);

  const look = async (pauseMs: number) => {
    // A driver that has taken the device from its kernel may say so only to who gives it more.
    nudge(device);
    const giveUp = setTimeout(() => probe.unmap(), lookMs);
    const mapped = probe.mapAsync(mapMode.read).then(
      () => true,
      () => false,
    );
    const hasEnded = await Promise.race([mapped, lost]);
    clearTimeout(giveUp);
    if (!hasEnded) return lookAfter(Math.min(2 * pauseMs, longestPauseMs));
    probe.destroy();
    device.destroy();
    onReclaimed();
  };
  const lookAfter = (pauseMs: number) => {
    const pause = setTimeout(() => look(pauseMs), pauseMs);
    (pause as { unref?(): void }).unref?.();
  };
  lookAfter(firstPauseMs);
}
