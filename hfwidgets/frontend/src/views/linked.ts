// Which item of a view is pointed at or pinned; text, legend and image follow it.

import { computed, type ReadonlySignal, signal } from "@preact/signals";

export class Linked {
  readonly pinned = signal<number | null>(null);
  readonly pointed = signal<number | null>(null);
  readonly active: ReadonlySignal<number | null> = computed(() => this.pointed.value ?? this.pinned.value);

  pin(at: number): void {
    this.pinned.value = this.pinned.value === at ? null : at;
  }

  /** Items that are not shown any more are neither pointed at nor pinned. */
  keep(kept: (at: number) => boolean): void {
    for (const one of [this.pinned, this.pointed]) {
      if (one.value !== null && !kept(one.value)) one.value = null;
    }
  }

  /** What makes an element stand for an item: pointer and keyboard point, a click or Enter pins. */
  join(at: number) {
    const point = () => (this.pointed.value = at);
    const leave = () => (this.pointed.value = null);
    return {
      onPointerEnter: point,
      onPointerLeave: leave,
      onFocus: point,
      onBlur: leave,
      onClick: () => this.pin(at),
      "aria-pressed": this.pinned.value === at,
    };
  }

  /** The class of an item's element: marked where it is active, dim where another one is. */
  mark(at: number, name: string): string {
    const active = this.active.value;
    return active === null ? name : `${name} ${active === at ? "hfw-active" : "hfw-dim"}`;
  }
}
