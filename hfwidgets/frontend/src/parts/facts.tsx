// Names with their values.

export function Facts({ rows }: { rows: readonly (readonly [string, string])[] }) {
  return (
    <dl class="hfw-facts">
      {rows.map(([name, text]) => [<dt key={name}>{name}</dt>, <dd dir="auto">{text}</dd>])}
    </dl>
  );
}
