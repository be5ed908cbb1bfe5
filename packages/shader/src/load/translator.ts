/** Name and version of what turns a source into the WGSL that is compiled; a change here is a change of every shader. */
export const translator = "kiln 2, naga-wasm 30.1.0";
