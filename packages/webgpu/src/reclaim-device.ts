import { bufferUsage, mapMode } from "./gpu-flags.js";

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
  const lost = device.lost.then(() => true);
  // Behind all that the device was given, for only then the probe's map waits for that. And again at each look: a driver that has taken a stuck device
  // from its kernel may say so only to who gives it more.
  const submit = () => {
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(probe);
    device.queue.submit([encoder.finish()]);
  };
  submit();

  const look = async (pauseMs: number) => {
    submit();
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
