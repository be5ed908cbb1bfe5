export { hasRedis, RedisServer } from "./redis-server.js";
export { type Exit, expectExit, runScript, type ScriptOptions } from "./run-script.js";
export { entriesOf, type StoreEntry, useStoreFolder } from "./store-folder.js";
