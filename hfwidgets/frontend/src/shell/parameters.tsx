// The parameters, folded away until they are needed.

import { useEffect, useRef } from "preact/hooks";
import type { Field } from "../document/protocol.ts";
import { FieldControl, hasControl } from "../form/field.tsx";
import { usePanel } from "../parts/panel.ts";

export function Parameters({ id, open }: { id: string; open: boolean }) {
  const { link } = usePanel();
  const place = useRef<HTMLDivElement>(null);
  const fields = link.shape.value.fields.filter(hasControl);
  const more = fields.filter(({ advanced }) => advanced);
  useEffect(() => {
    if (open) place.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, [open]);
  return (
    <div ref={place} class="hfw-drawer" id={id} hidden={!open}>
      <Fields fields={fields.filter(({ advanced }) => !advanced)} />
      {more.length > 0 && (
        <details class="hfw-more">
          <summary>More parameters</summary>
          <Fields fields={more} />
        </details>
      )}
    </div>
  );
}

function Fields({ fields }: { fields: Field[] }) {
  const { link } = usePanel();
  const { values } = link.part("settings");
  return (
    <div class="hfw-fields">
      {fields.map((field) => (
        <FieldControl
          key={field.name}
          field={field}
          value={values[field.name]}
          change={(value) => link.act("set", { values: { [field.name]: value ?? null } })}
        />
      ))}
    </div>
  );
}
