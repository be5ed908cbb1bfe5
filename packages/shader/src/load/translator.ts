/**
 * Name and version of the translation to WGSL. It is part of every program's address: a new value makes every stored
 * program stale.
 */
export const translator = "kiln 3, naga-wasm 30.1.0";
