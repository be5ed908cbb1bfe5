import type { Leak } from "../memory/holders.js";
import type { DeviceKeeper } from "./device-keeper.js";

interface Dropped {
  readonly keeper: DeviceKeeper;
  readonly onLeak: (leak: Leak) => void;
  readonly origin: Error;
}

/** A FinalizationRegistry that is itself collected never calls back, so this one is module-level. */
const dropped = new FinalizationRegistry<Dropped>(({ keeper, onLeak, origin }) => {
  onLeak({ what: "a persistent backend", stack: origin.stack ?? "" });
  keeper.closeUnlessHeld();
});

/**
 * Reports `backend` when it is collected without having been disposed, and then frees what it kept.
 * @returns A function to call when the backend is disposed.
 */
export function reportWhenDropped(backend: object, keeper: DeviceKeeper, onLeak: (leak: Leak) => void): () => void {
  dropped.register(backend, { keeper, onLeak, origin: originOf() }, backend);
  return () => dropped.unregister(backend);
}

/** Reads the stack at once: until then, an `Error` keeps alive everything that its call could reach. */
function originOf(): Error {
  const origin = new Error("A persistent backend was opened here.");
  void origin.stack;
  return origin;
}
