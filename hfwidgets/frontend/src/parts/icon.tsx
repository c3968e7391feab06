// The icons: lines on a grid of 24 units.

const PATHS = {
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13.5 6.5l4 4",
  again: "M20 5v5h-5M19.5 10A8 8 0 1 0 20 14",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 0 1 0 12h-2",
  redo: "M16 5l4 4-4 4M20 9h-9a6 6 0 0 0 0 12h2",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4v6M7 14v6",
  attach: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  think: "M9 18h6M10 21h4M12 3a6 6 0 0 1 4 10.5c-.7.6-1 1.2-1 1.5H9c0-.3-.3-.9-1-1.5A6 6 0 0 1 12 3z",
  tool: "M4 17l6-5-6-5M12 19h8",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  raw: "M9 4c-3 0-2 3-2 5s-1 3-3 3c2 0 3 1 3 3s-1 5 2 5M15 4c3 0 2 3 2 5s1 3 3 3c-2 0-3 1-3 3s1 5-2 5",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  max: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3M6 11a6 6 0 0 0 12 0M12 17v4",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7",
  plus: "M12 5v14M5 12h14",
  use: "M4 12h12M11 6l6 6-6 6M20 5v14",
  more: "M6 9l6 6 6-6",
  before: "M15 5l-7 7 7 7",
  after: "M9 5l7 7-7 7",
  swap: "M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4",
  name: "M4 7h16M4 12h7M4 17h5M15 13l5 4-5 4",
  open: "M3 7h6l2 2h10v10H3zM12 17v-5M9.5 14l2.5-2.5 2.5 2.5",
  mask: "M4 9h16v6H4z",
  url: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.3 1.3M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.3-1.3",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" class="hfw-icon">
      <path d={PATHS[name]} />
    </svg>
  );
}
