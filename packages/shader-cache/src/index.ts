export { contentAddress } from "./content-address.js";
export { ShaderCache, type ShaderCacheCounters, type ShaderCacheOptions } from "./shader-cache.js";
export type { ShaderRequest } from "./shader-request.js";
