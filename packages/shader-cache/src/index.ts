export {
  type JsonValue,
  openStore,
  type Store as DiskStore,
  type StoredValue,
  type StoreOptions,
} from "@kiln-gpu/store";
export { contentAddress } from "./content-address.js";
export { ShaderCache, type ShaderCacheCounters, type ShaderCacheOptions } from "./shader-cache.js";
export type { ShaderRequest } from "./shader-request.js";
