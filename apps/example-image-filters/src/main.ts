import { isComputeError, openPersistentBackend, type PersistentComputeBackend } from "kiln-gpu";
import { type FilterChain, openFilterChain, type Picture, type Settings } from "./filter-chain.js";
import { drawPicture, readPicture } from "./picture.js";

const canvas = document.querySelector("canvas")!;
const form = document.querySelector("form")!;
const status = document.querySelector("output")!;
const alert = document.querySelector("[role=alert]")!;

/** Shows what went wrong, for instance that there is no WebGPU and what to do. */
function fail(error: unknown): void {
  status.textContent = "";
  alert.textContent = error instanceof Error ? error.message : String(error);
}

openPersistentBackend().then(start).catch(fail);

async function start(gpu: PersistentComputeBackend): Promise<void> {
  let chain: FilterChain | undefined;

  async function open(picture: Picture): Promise<void> {
    const opened = await openFilterChain(gpu, picture);
    chain?.[Symbol.dispose]();
    chain = opened;
    [canvas.width, canvas.height] = [picture.width, picture.height];
    await show();
  }

  let isShowing = false;
  let isWanted = false;
  /** Draws the present settings. Settings that change faster than the GPU filters are skipped. */
  async function show(): Promise<void> {
    isWanted = true;
    if (isShowing) return;
    isShowing = true;
    try {
      while (isWanted && chain) {
        isWanted = false;
        const from = chain;
        const { width, height } = from.picture;
        const begin = performance.now();
        const data = await from.apply(settingsOf(form));
        const ms = performance.now() - begin;
        // Another picture may have been opened meanwhile.
        if (from !== chain) continue;
        canvas.getContext("2d")!.putImageData(new ImageData(data, width, height), 0, 0);
        alert.textContent = "";
        status.textContent = `${width} × ${height} pixels in ${ms.toFixed(1)} ms on ${gpu.device.name}`;
      }
    } finally {
      isShowing = false;
    }
  }

  /** A lost device is replaced by itself; the chain, which was on it, is opened again. */
  gpu.on("recovered", () => chain && open(chain.picture).catch(fail));
  const failUnlessLost = (error: unknown) => {
    if (!isComputeError(error, "device-lost")) fail(error);
  };
  form.addEventListener("input", ({ target }) => {
    const file = target instanceof HTMLInputElement ? target.files?.[0] : undefined;
    const done = file ? readPicture(file).then(open) : show();
    done.catch(failUnlessLost);
  });
  // The form has its first values only after the event.
  form.addEventListener("reset", () => setTimeout(() => show().catch(failUnlessLost)));
  await open(drawPicture());
}

function settingsOf(form: HTMLFormElement): Settings {
  const values = new FormData(form);
  const number = (name: keyof Settings) => Number(values.get(name));
  return {
    radius: number("radius"),
    detail: number("detail"),
    edges: number("edges"),
    saturation: number("saturation"),
    contrast: number("contrast"),
    brightness: number("brightness"),
  };
}
