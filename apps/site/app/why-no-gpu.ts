/** Why this page cannot compute on a GPU, and what to do; undefined if it can try. */
export function whyNoWebGpu(): string | undefined {
  if (!globalThis.isSecureContext) {
    return "WebGPU needs a secure page: open this one with https, or from localhost.";
  }
  if ((navigator as { readonly gpu?: unknown }).gpu === undefined) {
    return `This browser has no WebGPU. ${adviceFor(navigator.userAgent)}`;
  }
  return undefined;
}

/** What to do where WebGPU is there and gives no adapter. */
export const noAdapterAdvice =
  "WebGPU is there, and gives no GPU: it may be switched off, its driver may be blocked, or the GPU process of this " +
  "browser has crashed too often. Restart the browser, and look at chrome://gpu or about:support.";

function adviceFor(userAgent: string): string {
  if (/Firefox\//.test(userAgent)) return "In Firefox, use a recent version on Windows or macOS.";
  if (/Chrome\//.test(userAgent)) {
    return /Linux/.test(userAgent) && !/Android/.test(userAgent)
      ? "On Linux, Chrome needs a recent driver, and in some versions chrome://flags/#enable-unsafe-webgpu."
      : "Update the browser, and allow hardware acceleration in its settings.";
  }
  if (/Safari\//.test(userAgent)) return "Safari has it from version 26 on.";
  return "Chrome, Edge, Safari 26 and recent versions of Firefox have it.";
}
