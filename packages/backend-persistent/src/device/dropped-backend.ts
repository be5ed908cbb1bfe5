import type { Leak } from "../memory/holders.js";
import type { DeviceKeeper } from "./device-keeper.js";

interface Dropped {
  readonly keeper: DeviceKeeper;
  readonly onLeak: (leak: Leak) => void;
  readonly origin: Error;
}

/** Registries that nothing refers to tell nothing; this one outlives every backend. */
const dropped = new FinalizationRegistry<Dropped>(({ keeper, onLeak, origin }) => {
  onLeak({ what: "a persistent backend", stack: origin.stack ?? "" });
  keeper.abandon();
});

/**
 * Reports `backend` when it is collected without having been disposed, and then frees what it kept.
 * @returns To be called when it is disposed.
 */
export function reportWhenDropped(backend: object, keeper: DeviceKeeper, onLeak: (leak: Leak) => void): () => void {
  dropped.register(backend, { keeper, onLeak, origin: originOf() }, backend);
  return () => dropped.unregister(backend);
}

/** Its stack is read at once: until then, an error keeps what was in reach of its call. */
function originOf(): Error {
  const origin = new Error("A persistent backend was opened here.");
  void origin.stack;
  return origin;
}
