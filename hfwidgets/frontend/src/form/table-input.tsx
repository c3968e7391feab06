// A table that is edited in place, pasted from a spreadsheet, read from a file or a DataFrame.

import { useRef, useState } from "preact/hooks";
import type { Json } from "../document/protocol.ts";
import { Upload } from "../document/upload.ts";
import { Button, IconButton } from "../parts/buttons.tsx";
import { isComposing } from "../parts/composing.ts";
import { usePanel } from "../parts/panel.ts";
import { plainValue } from "./form-state.ts";
import type { InputProps } from "./input-props.ts";
import { useNames, Variables } from "./variables.tsx";

const MOST = 200;
const EMPTY: Table = { names: ["column 1", "column 2"], cells: [["", ""]] };

/** Names of columns, and the rows below them. */
interface Table {
  names: string[];
  cells: string[][];
}

export function TableInput({ field, state }: InputProps) {
  const { link } = usePanel();
  const shown = readTable(plainValue(state.shown(field.name)));
  const [reset, setReset] = useState<Table | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const edit = (next: Table, commit = true) => {
    if (!reset) setReset(shown);
    const used = next.cells.some((row) => row.some((text) => text.trim()));
    // As a list with the names first: the columns of an object could be put into another order.
    state.edit(field.name, used ? columnsOf(next) : {}, [next.names, ...next.cells]);
    if (commit) state.commit();
  };
  const paste = (text: string, row: number, column: number) => {
    setReset(reset ?? shown);
    return link.act("paste", { name: field.name, table: [shown.names, ...shown.cells], text, row, column });
  };
  const actions = { shown, edit, paste, frame };
  return (
    <div class="hfw-field" role="group" aria-label={field.label} {...useNames(field.name)}>
      <span class="hfw-label">{field.label}</span>
      <div ref={frame} class="hfw-scroll" tabIndex={0} role="region" aria-label={`${field.label}, cells`}>
        <table class="hfw-grid">
          <Head {...actions} />
          <Body {...actions} />
        </table>
      </div>
      <div class="hfw-row hfw-start">
        <Button kind="hfw-quiet" act={() => edit({ ...shown, cells: [...shown.cells, shown.names.map(() => "")] })}>Add row</Button>
        <Button kind="hfw-quiet" act={() => edit(addColumn(shown))}>Add column</Button>
        <Button kind="hfw-quiet" act={() => edit(reset ?? EMPTY)} title="Back to the table before it was edited">Reset</Button>
        <OpenFile input={field.name} opens={() => setReset(reset ?? shown)} />
        <Variables input={field.name} />
        {shown.cells.length > MOST && <span class="hfw-hint">{`${MOST} of ${shown.cells.length} rows are shown`}</span>}
      </div>
    </div>
  );
}

interface Actions {
  shown: Table;
  edit: (next: Table, commit?: boolean) => void;
  /** Put a text of several cells in from a cell on; false when there is no kernel to read it. */
  paste: (text: string, row: number, column: number) => boolean;
  frame: { current: HTMLElement | null };
}

function Head({ shown, edit, frame }: Actions) {
  const { names, cells } = shown;
  const rename = (at: number, text: string) => {
    edit({ names: names.with(at, uniqueName(text.trim() || `column ${at + 1}`, names, at)), cells });
  };
  const remove = (at: number) => {
    edit({ names: names.toSpliced(at, 1), cells: cells.map((row) => row.toSpliced(at, 1)) });
    frame.current?.querySelector<HTMLElement>("th input")?.focus();
  };
  return (
    <thead>
      <tr>
        {names.map((name, at) => (
          <th key={at} scope="col">
            <div class="hfw-th">
              <input
                class="hfw-cell"
                dir="auto"
                value={name}
                aria-label={`Name of column ${at + 1}`}
                size={widthOf(name)}
                onChange={({ currentTarget }) => rename(at, currentTarget.value)}
              />
              {names.length > 1 && <IconButton icon="close" label={`Remove column ${name}`} act={() => remove(at)} />}
            </div>
          </th>
        ))}
        <td />
      </tr>
    </thead>
  );
}

function Body({ shown, edit, paste, frame }: Actions) {
  const { names, cells } = shown;
  const put = (row: number, column: number, text: string) => {
    edit({ names, cells: cells.with(row, (cells[row] ?? []).with(column, text)) }, false);
  };
  const key = (event: KeyboardEvent & { currentTarget: HTMLInputElement }, row: number, column: number) => {
    if (event.key !== "Enter" || isComposing(event) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.currentTarget.blur();
    const below = frame.current?.querySelector("tbody")?.rows[row + 1]?.cells[column];
    below?.querySelector("input")?.focus();
  };
  const take = (event: ClipboardEvent, row: number, column: number) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const isOneCell = !/[\t\n]/.test(text.replace(/\r?\n$/, ""));
    if (!isOneCell && paste(text, row, column)) event.preventDefault();
  };
  return (
    <tbody>
      {cells.slice(0, MOST).map((texts, row) => (
        <tr key={row}>
          {texts.map((text, column) => (
            <td key={column}>
              <input
                class="hfw-cell"
                dir="auto"
                value={text}
                aria-label={`${names[column]}, row ${row + 1}`}
                size={widthOf(text)}
                onInput={({ currentTarget }) => put(row, column, currentTarget.value)}
                onChange={() => edit(shown)}
                onKeyDown={(event) => key(event, row, column)}
                onPaste={(event) => take(event, row, column)}
              />
            </td>
          ))}
          <td>
            <IconButton icon="close" label={`Remove row ${row + 1}`} act={() => edit({ names, cells: cells.toSpliced(row, 1) })} />
          </td>
        </tr>
      ))}
    </tbody>
  );
}

/** The kernel reads the file. */
function OpenFile({ input, opens }: { input: string; opens: () => void }) {
  const { link, announce } = usePanel();
  const file = useRef<HTMLInputElement>(null);
  const take = async (box: HTMLInputElement) => {
    const chosen = box.files?.[0];
    box.value = "";
    if (!chosen) return;
    opens();
    const upload = new Upload(link, input, chosen, chosen.name, () => undefined);
    await upload.run().catch((error: Error) => announce(error.message));
  };
  return (
    <>
      <Button kind="hfw-quiet" act={() => file.current?.click()}>Open CSV</Button>
      <input ref={file} type="file" accept=".csv,.tsv,.txt,text/csv" hidden onChange={({ currentTarget }) => void take(currentTarget)} />
    </>
  );
}

/** A table out of what the kernel holds, columns by name, or out of an edit, rows below their names. */
function readTable(value: Json): Table {
  if (Array.isArray(value)) {
    const [names = [], ...cells] = value.map((row) => (Array.isArray(row) ? row.map(String) : []));
    return { names, cells };
  }
  if (typeof value !== "object" || value === null || !Object.keys(value).length) return EMPTY;
  const columns = Object.values(value).map((cells) => (Array.isArray(cells) ? cells.map(String) : []));
  const length = Math.max(0, ...columns.map((cells) => cells.length));
  const cells = Array.from({ length }, (_, row) => columns.map((column) => column[row] ?? ""));
  return { names: Object.keys(value), cells };
}

function columnsOf({ names, cells }: Table): Record<string, string[]> {
  return Object.fromEntries(names.map((name, at) => [name, cells.map((row) => row[at] ?? "")]));
}

function addColumn({ names, cells }: Table): Table {
  const name = uniqueName(`column ${names.length + 1}`, names, names.length);
  return { names: [...names, name], cells: cells.map((row) => [...row, ""]) };
}

function uniqueName(name: string, names: string[], at: number): string {
  const taken = new Set(names.filter((_, other) => other !== at));
  let found = name;
  for (let n = 2; taken.has(found); n++) found = `${name} ${n}`;
  return found;
}

function widthOf(text: string): number {
  return Math.max(4, Math.min(24, text.length));
}
