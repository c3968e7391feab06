// Files go to the kernel in pieces of 1 MiB, the next one when the last has arrived: so there is
// progress, no message is too large for the server, and nothing passes through a trait.

import type { Connection } from "./connection.ts";
import { until } from "./until.ts";

export const LIMIT = 256 * 2 ** 20;
const PIECE = 2 ** 20;
const SILENCE_MS = 15_000;

export const RESTARTED = "The kernel was restarted. Run this cell again.";

export class Upload {
  readonly id = Math.random().toString(36).slice(2);
  #ended = false;

  constructor(
    private link: Connection,
    private input: string,
    private file: Blob,
    private name: string,
    private progress: (share: number) => void,
  ) {}

  stop(): void {
    this.#ended = true;
  }

  async run(): Promise<void> {
    for (let at = 0; at < this.file.size && !this.#ended; ) {
      const bytes = await this.file.slice(at, at + PIECE).arrayBuffer();
      this.#send(at, bytes);
      at += bytes.byteLength;
      const got = at;
      const late = "The kernel has not taken the file. It may be busy with a cell.";
      await until(() => this.#arrived(got), SILENCE_MS, late);
      this.progress(at / this.file.size);
    }
  }

  #send(at: number, bytes: ArrayBuffer): void {
    const { size: total } = this.file;
    const piece = { name: this.input, id: this.id, at, total, file: this.name };
    if (!this.link.act("upload", piece, [bytes])) throw new Error(RESTARTED);
  }

  #arrived(at: number): boolean {
    const state = this.link.part("uploads")?.[this.input];
    if (this.link.dead.value) throw new Error(RESTARTED);
    return this.#ended || (state?.id === this.id && state.got >= at);
  }
}
