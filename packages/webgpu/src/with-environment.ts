/**
 * Changes the environment of this process for one synchronous call. Drivers read it when a WebGPU instance looks for
 * them. A worker thread without `env: SHARE_ENV` has a copy of its own, which no driver reads.
 */

/** Many times what it takes to load a driver. */
const longestLockMs = 2000;

/** Calls `work` while the environment has `variables`, and then restores what it had before. */
export function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => T): T {
  const release = lockEnvironment();
  const before = Object.keys(variables).map((name) => [name, globalThis.process.env[name]] as const);
  try {
    Object.assign(globalThis.process.env, variables);
    return work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete globalThis.process.env[name];
      else globalThis.process.env[name] = value;
    }
    release();
  }
}

/**
 * Keeps other threads that share this environment from changing it in between. They share no memory that this package
 * could find, so they meet in the file system. If a lock cannot be had there, or none is given up in time, this goes on
 * without one.
 */
function lockEnvironment(): () => void {
  const { mkdirSync, rmdirSync } = globalThis.process.getBuiltinModule("node:fs");
  const path = `${globalThis.process.getBuiltinModule("node:os").tmpdir()}/kiln-gpu-${globalThis.process.pid}.lock`;
  const untilMs = performance.now() + longestLockMs;
  for (;;) {
    try {
      mkdirSync(path);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") return () => undefined;
      // An earlier process with the same number has left it behind.
      if (performance.now() > untilMs) break;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  return () => {
    try {
      rmdirSync(path);
    } catch {
      // A thread that waited too long has removed it.
    }
  };
}
