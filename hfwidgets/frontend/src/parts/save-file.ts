// Saving a file: its bytes come from the kernel when they are asked for.

import type { Connection } from "../document/connection.ts";
import type { Save } from "../document/protocol.ts";

export async function saveFile(link: Connection, { id, name }: Save): Promise<void> {
  const anchor = document.createElement("a");
  anchor.href = (await link.media(id)).url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}
