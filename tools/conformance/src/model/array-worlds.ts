/**
 * The possible contents of resident arrays. An aborted run may or may not have happened, so there may be several
 * worlds, each with consistent contents of all arrays. A read rules out the worlds that do not match.
 */
import type { ResidentArray } from "@kiln-gpu/core";

/** A resident array that the model uses. */
export interface HeldArray {
  readonly name: string;
  readonly handle: ResidentArray<Uint32Array>;
  /** How many losses were known when the array was created. */
  readonly losses: number;
  /** Whether it survives a loss of the device: it is recoverable, and only the host has written it. */
  survives: boolean;
  isDisposed: boolean;
}

type World = Map<HeldArray, Uint32Array>;

/** Changes a world as an operation would. @returns Whether the world matches the result of the operation. */
export type Change = (world: World) => boolean;

export type Happened = "yes" | "no" | "perhaps";

export class ArrayWorlds {
  #worlds: World[] = [new Map()];

  add(array: HeldArray, elements: Uint32Array): void {
    for (const world of this.#worlds) world.set(array, elements);
  }

  /** @returns Whether a matching world is left. */
  apply(change: Change, happened: Happened): boolean {
    const next: World[] = [];
    for (const world of this.#worlds) {
      if (happened !== "yes") next.push(world);
      if (happened === "no") continue;
      const changed = new Map(world);
      if (change(changed)) next.push(changed);
    }
    this.#worlds = next.length > 1 ? distinct(next) : next;
    return next.length > 0;
  }
}

function distinct(worlds: readonly World[]): World[] {
  return [...new Map(worlds.map((world) => [[...world.values()].join(";"), world])).values()];
}
