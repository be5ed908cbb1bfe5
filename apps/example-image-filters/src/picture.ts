import type { Picture } from "./filter-chain.js";

/** Pixels of the longest side; larger pictures are made smaller. */
const maxSide = 2048;

/** The picture in `file`. */
export async function readPicture(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
  const context = contextOf(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  context.drawImage(bitmap, 0, 0, context.canvas.width, context.canvas.height);
  bitmap.close();
  return pictureOf(context);
}

/** A picture to begin with. */
export function drawPicture(): Picture {
  const context = contextOf(640, 400);
  const sky = context.createLinearGradient(0, 0, 0, 400);
  sky.addColorStop(0, "#1b2a49");
  sky.addColorStop(0.6, "#e07a5f");
  sky.addColorStop(1, "#f2cc8f");
  context.fillStyle = sky;
  context.fillRect(0, 0, 640, 400);
  context.fillStyle = "#fff3d6";
  context.beginPath();
  context.arc(440, 210, 46, 0, 2 * Math.PI);
  context.fill();
  for (const [i, color] of ["#6d597a", "#3d405b", "#22223b"].entries()) {
    context.fillStyle = color;
    context.beginPath();
    context.moveTo(0, 400);
    for (let x = 0; x <= 640; x += 4) {
      const height = Math.sin(x / (50 + 20 * i) + 2 * i) * 30 + Math.sin(x / 13 + i) * 6;
      context.lineTo(x, 270 + 45 * i - height);
    }
    context.lineTo(640, 400);
    context.fill();
  }
  return pictureOf(context);
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
}

function pictureOf(context: OffscreenCanvasRenderingContext2D): Picture {
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}
