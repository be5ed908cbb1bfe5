import { bufferUsage, mapMode } from "./gpu-flags.js";
import { nudge } from "./nudge-device.js";
import { unmap } from "./unmap.js";

/** npm webgpu polls the device without a pause while a map is pending, so each look is short. */
const lookMs = 20;
const firstPauseMs = 500;
const longestPauseMs = 60_000;

/**
 * Destroys `device` once the kernel that occupies it has ended, if it ever does. To destroy it earlier would block this
 * thread until then. The device is looked at less and less often, in the end once a minute, and the timer keeps no
 * process alive.
 * @param onReclaimed Called once the device is destroyed.
 */
export function reclaimLater(device: GPUDevice, onReclaimed: () => void): void {
  const probe = device.createBuffer({ size: 4, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
  // A map waits for submitted work that uses the buffer, and the queue runs this work after all that it was given
  // before.
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(probe);
  device.queue.submit([encoder.finish()]);
  const lost = device.lost.then(() => true);

  const look = async (pauseMs: number) => {
    // Some drivers report that they have reset a device only to new work.
    nudge(device);
    const giveUp = setTimeout(() => unmap(probe), lookMs);
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
