// Choosing a part of a sound: two handles under its waveform, where what is left out is dimmed.

import { h } from "../dom.ts";

const LEAST_S = 0.05;

export interface Part {
  start: number;
  end: number;
}

export class Trim {
  readonly node: HTMLElement;
  #from: HTMLInputElement;
  #to: HTMLInputElement;
  #words = h("output", { class: "hfw-hint" });

  constructor(
    private seconds: number,
    private changed: (part: Part) => void,
  ) {
    this.#from = this.#handle("Start of the part, in seconds", 0);
    this.#to = this.#handle("End of the part, in seconds", seconds);
    this.node = h("div", { class: "hfw-trim" }, h("span", {}, "Trim"), this.#from, this.#to, this.#words);
    this.#tell();
  }

  /** What is kept, in seconds, never empty; the handles may stand either way round. */
  get part(): Part {
    const ends = [this.#from.valueAsNumber, this.#to.valueAsNumber];
    const start = Math.min(...ends, Math.max(0, this.seconds - LEAST_S));
    return { start, end: Math.max(...ends, Math.min(this.seconds, start + LEAST_S)) };
  }

  #handle(label: string, value: number): HTMLInputElement {
    const max = this.seconds;
    const made = h("input", { type: "range", min: 0, max, step: 0.01, "aria-label": label });
    made.value = String(value);
    made.addEventListener("input", () => this.#tell());
    return made;
  }

  #tell(): void {
    const { start, end } = this.part;
    this.#words.textContent = `${(end - start).toFixed(1)} s of ${this.seconds.toFixed(1)} s`;
    this.changed({ start, end });
  }
}
