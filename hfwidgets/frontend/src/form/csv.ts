// Tables in text form: what spreadsheets put on the clipboard, and files of comma-separated values.

/** The rows of a text: tabs where there are any, else commas or semicolons; quotes as in RFC 4180. */
export function rowsOf(text: string): string[][] {
  const line = text.slice(0, text.search(/\r?\n|$/));
  const separator = line.includes("\t") ? "\t" : !line.includes(",") && line.includes(";") ? ";" : ",";
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const close = () => {
    row.push(cell);
    cell = "";
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (letter === '"' && cell === "") quoted = true;
    else if (letter === separator) close();
    else if (letter === "\n") {
      close();
      rows.push(row);
      row = [];
    } else if (letter !== "\r") cell += letter;
  }
  if (cell || row.length) {
    close();
    rows.push(row);
  }
  return rows;
}

/** The same with a first row of names, by column. */
export function columnsOf(rows: string[][]): Record<string, string[]> {
  const [head = [], ...body] = rows;
  const found: Record<string, string[]> = {};
  for (const [at, name] of head.entries()) {
    found[name.trim() || `column ${at + 1}`] = body.map((row) => row[at] ?? "");
  }
  return found;
}
