export { openStore, type StoreOptions } from "./open-store.js";
export type { Store, StoreStats } from "./store.js";
export type { JsonValue, StoredValue } from "./stored-value.js";
export { clearStore, type StoreSurvey, type SurveyedEntry, surveyStore } from "./survey-store.js";
