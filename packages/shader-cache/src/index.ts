export { contentAddress } from "./content-address.js";
export type { DiskStore, StoreStats } from "./disk-store.js";
export { openStore, type StoreOptions } from "./open-store.js";
export { ShaderCache, type ShaderCacheCounters, type ShaderCacheOptions } from "./shader-cache.js";
export type { ShaderRequest } from "./shader-request.js";
export type { JsonValue, StoredValue } from "./store-entry.js";
