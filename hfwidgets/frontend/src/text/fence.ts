// A code fence that is still open: its text is only ever appended to, however long it grows.

const OPENING = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)([^\n`]*)\n/;

export class Fence {
  readonly language: string;
  /** The language and what stands after it, such as a file's name. */
  readonly info: string;
  /** Where the code begins, counted from the fence's first character. */
  readonly from: number;
  #closing: RegExp;
  #maybe: RegExp;
  #seen: number;

  private constructor(opening: RegExpExecArray) {
    const marks = opening[1] ?? "```";
    const mark = marks.charAt(0);
    this.language = opening[2] ?? "";
    this.info = `${this.language}${opening[3] ?? ""}`.trim();
    this.from = this.#seen = opening[0].length;
    this.#closing = new RegExp(`^ {0,3}${mark}{${marks.length},}[ \\t]*$`);
    this.#maybe = new RegExp(`^ {0,3}${mark}*[ \\t]*$`);
  }

  /** The fence that `text` begins with, if it does. */
  static open(text: string): Fence | null {
    const opening = OPENING.exec(text);
    return opening ? new Fence(opening) : null;
  }

  /** How far the code goes in `text`, and where the text after the fence begins, once closed. */
  read(text: string, done: boolean): { code: number; end: number | null } {
    for (;;) {
      const stop = text.indexOf("\n", this.#seen);
      const line = text.slice(this.#seen, stop < 0 ? undefined : stop);
      const whole = stop >= 0 || done;
      if (whole && this.#closing.test(line)) {
        return { code: this.#seen, end: stop < 0 ? text.length : stop + 1 };
      }
      if (stop < 0) return { code: this.#maybe.test(line) ? this.#seen : text.length, end: null };
      this.#seen = stop + 1;
    }
  }
}
