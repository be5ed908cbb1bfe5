export {
  type ChromeEvent,
  type ChromeTrace,
  type ChromeTraceFile,
  type ChromeTraceOptions,
  chromeTrace,
} from "./chrome-trace.js";
export { type OpenTelemetryApi, openTelemetry } from "./open-telemetry.js";
