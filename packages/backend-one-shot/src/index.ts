export { type OneShotBackendOptions, openOneShotBackend } from "./open-one-shot-backend.js";
