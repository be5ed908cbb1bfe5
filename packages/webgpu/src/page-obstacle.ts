import { ComputeError } from "@kiln-gpu/core";
import { hasOwnWebGpu, isInPage } from "./own-web-gpu.js";

/** Why a page has no WebGPU. */
export type PageObstacle = "insecure-context" | "unsupported" | "no-adapter";

/** What keeps this page from WebGPU, as far as that can be told without asking for an adapter. */
export function obstacleOfPage(): PageObstacle | undefined {
  if (!isInPage() || hasOwnWebGpu()) return undefined;
  return (globalThis as { isSecureContext?: boolean }).isSecureContext === false ? "insecure-context" : "unsupported";
}

const texts: Readonly<Record<PageObstacle, string>> = {
  "insecure-context":
    "Browsers give WebGPU to secure contexts only, and this page is none. Serve it over https, or from localhost.",
  unsupported:
    "This browser has no WebGPU: `navigator.gpu` is missing. Use a current version of Chrome, Edge, Firefox or Safari, or turn WebGPU on in the browser's settings.",
  "no-adapter":
    "This browser gives no WebGPU adapter: it has no GPU that it may use, or its GPU process has crashed, after which it denies WebGPU for some time. Turn hardware acceleration on in the browser's settings, update the GPU's driver, or restart the browser.",
};

/** The error of a page that has no WebGPU, with what to do. */
export function errorOfPage(obstacle: PageObstacle): ComputeError {
  return new ComputeError("no-adapter", texts[obstacle]);
}
