// Whether a panel is dark, and whether its host's colors belong together: what is computed decides,
// since hosts mix variables of several themes.

const ENOUGH = 4.5;

/** Keep a panel's scheme up to date until what is returned is called. */
export function followTheme(panel: HTMLElement): () => void {
  const update = () => {
    delete panel.dataset["hfwColors"];
    const back = luminance(getComputedStyle(panel).backgroundColor);
    const dark = back < 0.18;
    panel.dataset["hfwScheme"] = dark ? "dark" : "light";
    const texts = ["--hfw-fg", "--hfw-muted", "--hfw-link"].map((name) => luminance(resolve(panel, name)));
    if (texts.some((text) => contrast(text, back) < ENOUGH)) panel.dataset["hfwColors"] = "own";
  };
  update();
  const observer = new MutationObserver(update);
  const { body, documentElement } = panel.ownerDocument;
  for (const node of [documentElement, body]) observer.observe(node, { attributes: true });
  // A theme's style sheet may come after the attribute that names it.
  const { head } = panel.ownerDocument;
  observer.observe(head, { childList: true });
  return () => observer.disconnect();
}

function resolve(panel: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  panel.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** The relative luminance of a color in any notation, 0 to 1. */
function luminance(color: string): number {
  if (!pen) return 1;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, 1, 1);
  pen.fillStyle = color;
  pen.fillRect(0, 0, 1, 1);
  const [red = 255, green = 255, blue = 255] = pen.getImageData(0, 0, 1, 1).data;
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
