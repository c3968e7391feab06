// One mask: its colored pixels, which also tell what lies under the pointer.

import type { Media } from "../document/connection.ts";

const CUT = 128;

export class Mask {
  #pixels: Promise<ImageData | null>;
  #known: ImageData | null = null;
  /** How many pixels it covers; 0 until it is there. */
  area = 0;

  constructor(media: Promise<Media>, color: string) {
    this.#pixels = media.then(({ url }) => this.#load(url, color));
  }

  /** True if the mask covers a place; both are shares of the image's width and height. */
  covers(x: number, y: number): boolean {
    const { width = 0, height = 0, data } = this.#known ?? {};
    const column = Math.floor(x * width);
    const row = Math.floor(y * height);
    const inside = column >= 0 && column < width && row >= 0 && row < height;
    return inside && (data?.[(row * width + column) * 4 + 3] ?? 0) > 0;
  }

  async draw(canvas: HTMLCanvasElement): Promise<void> {
    const pixels = await this.#pixels;
    if (!pixels) return;
    canvas.width = pixels.width;
    canvas.height = pixels.height;
    canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  }

  async #load(address: string, color: string): Promise<ImageData | null> {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    if (!pen) return null;
    pen.drawImage(image, 0, 0);
    this.#known = pen.getImageData(0, 0, canvas.width, canvas.height);
    this.area = paint(this.#known.data, color);
    return this.#known;
  }
}

/** Where the mask is light, its color; elsewhere nothing. Returns how many pixels are light. */
export function paint(pixels: Uint8ClampedArray, color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  let area = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const inside = (pixels[at] ?? 0) >= CUT;
    pixels[at] = red;
    pixels[at + 1] = green;
    pixels[at + 2] = blue;
    pixels[at + 3] = inside ? 255 : 0;
    if (inside) area++;
  }
  return area;
}
