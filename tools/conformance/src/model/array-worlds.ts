/**
 * What resident arrays may hold. A run that was aborted may have happened or not, so there may be several worlds, each with
 * contents of all arrays that go together; what is read tells which of them is the real one.
 */
import type { ResidentArray } from "@kiln-gpu/core";

/** An array in the hands of the model. */
export interface HeldArray {
  readonly name: string;
  readonly handle: ResidentArray<Uint32Array>;
  /** How many losses were known when it was made. */
  readonly losses: number;
  /** Whether a loss of the device leaves it as it is: it is recoverable, and nothing but the host was asked to write it. */
  survives: boolean;
  isDisposed: boolean;
}

type World = Map<HeldArray, Uint32Array>;

/** Changes a world as an operation would. @returns Whether that world fits what the operation has returned. */
export type Change = (world: World) => boolean;

export type Happened = "yes" | "no" | "perhaps";

export class ArrayWorlds {
  #worlds: World[] = [new Map()];

  add(array: HeldArray, elements: Uint32Array): void {
    for (const world of this.#worlds) world.set(array, elements);
  }

  /** @returns Whether a world is left that fits. */
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
