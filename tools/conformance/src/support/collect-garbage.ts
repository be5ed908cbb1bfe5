import { promiseHooks } from "node:v8";

/** A wait for the device takes hundreds of turns; a full collection takes about ten milliseconds. */
const turnsPerFullCollection = 4;

/**
 * Collects garbage from now on: young objects before the continuation of every await in this process, all objects
 * before each `awaitsPerFullCollection`th, and all at every few turns of the event loop, so also while a device works
 * and nothing else happens.
 * @returns A function that stops this and returns the number of full collections.
 */
export function collectGarbage(awaitsPerFullCollection: number): () => number {
  const collect = globalThis.gc!;
  let awaits = 0;
  let fullCollections = 0;
  const collectAll = () => {
    fullCollections += 1;
    collect();
  };
  const forget = promiseHooks.onBefore(() => {
    awaits += 1;
    if (awaits % awaitsPerFullCollection === 0) collectAll();
    else collect({ type: "minor" });
  });
  let turns = 0;
  let turn = setImmediate(function again() {
    turns += 1;
    if (turns % turnsPerFullCollection === 0) collectAll();
    turn = setImmediate(again);
  });
  return () => {
    forget();
    clearImmediate(turn);
    return fullCollections;
  };
}
