// One mask: a canvas of its colour, and its pixels for telling what lies under the pointer.

import { h } from "../../dom.ts";

const CUT = 128;

export class Mask {
  readonly node = h("canvas", { class: "hfw-mask", "aria-hidden": "true" });
  #pixels: Uint8ClampedArray | null = null;
  /** How many pixels it covers; 0 until it is there. */
  area = 0;

  constructor(url: Promise<string>, colour: string) {
    void url.then((address) => this.#load(address, colour));
  }

  /** Whether the mask covers a place; both are shares of the picture's width and height. */
  covers(x: number, y: number): boolean {
    const { width, height } = this.node;
    const column = Math.floor(x * width);
    const row = Math.floor(y * height);
    const inside = column >= 0 && column < width && row >= 0 && row < height;
    return inside && (this.#pixels?.[(row * width + column) * 4 + 3] ?? 0) > 0;
  }

  async #load(address: string, colour: string): Promise<void> {
    const image = h("img", { src: address });
    await image.decode();
    this.node.width = image.naturalWidth;
    this.node.height = image.naturalHeight;
    const pen = this.node.getContext("2d", { willReadFrequently: true });
    if (!pen) return;
    pen.drawImage(image, 0, 0);
    const data = pen.getImageData(0, 0, this.node.width, this.node.height);
    this.area = paint(data.data, colour);
    pen.putImageData(data, 0, 0);
    this.#pixels = data.data;
  }
}

/** Where the mask is light, its colour; elsewhere nothing. Returns how many pixels are light. */
export function paint(pixels: Uint8ClampedArray, colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
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
