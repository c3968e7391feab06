// Files go to the kernel in pieces of 1 MiB, the next one when the last has arrived: so there is
// progress, no message is too large for the server, and nothing passes through a trait.

import type { Link } from "./link.ts";

export const LIMIT = 256 * 2 ** 20;
const PIECE = 2 ** 20;
const SILENCE_MS = 15_000;

export const RESTARTED = "The kernel was restarted. Run this cell again.";

interface State {
  id: string;
  got: number;
}

export class Upload {
  readonly id = Math.random().toString(36).slice(2);
  #ended = false;

  constructor(
    private link: Link,
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
      await this.#arrived(at);
      this.progress(at / this.file.size);
    }
  }

  #send(at: number, bytes: ArrayBuffer): void {
    const { size: total } = this.file;
    const piece = { name: this.input, id: this.id, at, total, file: this.name };
    if (!this.link.act("upload", piece, [bytes])) throw new Error(RESTARTED);
  }

  #arrived(at: number): Promise<void> {
    return new Promise((yes, no) => {
      const done = () => {
        const state = (this.link.doc["uploads"] as Record<string, State>)[this.input];
        return this.#ended || (state?.id === this.id && state.got >= at);
      };
      const end = (act: () => void) => {
        clearTimeout(timer);
        unwatch();
        act();
      };
      const timer = setTimeout(
        () => end(() => no(new Error("The kernel has not taken the file. It may be busy with a cell."))),
        SILENCE_MS,
      );
      const unwatch = this.link.watch(() => {
        if (this.link.dead) end(() => no(new Error(RESTARTED)));
        else if (done()) end(yes);
      });
    });
  }
}
