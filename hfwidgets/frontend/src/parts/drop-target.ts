// What makes an element take what is dropped on it, and shows meanwhile that it would.

/** The events of a drop target; `types` are those it takes, and `take` tells whether it took a drop. */
export function dropTarget(types: string[], take: (drop: DataTransfer | null) => boolean, over: (on: boolean) => void) {
  const keep = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const enter = (event: DragEvent) => {
    if (!event.dataTransfer?.types.some((type) => types.includes(type))) return;
    keep(event);
    over(true);
  };
  return {
    onDragEnter: enter,
    onDragOver: enter,
    onDragLeave: () => over(false),
    onDrop: (event: DragEvent) => {
      over(false);
      if (take(event.dataTransfer)) keep(event);
    },
  };
}
