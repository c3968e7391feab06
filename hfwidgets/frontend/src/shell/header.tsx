// What the panel is for, which model answers and which provider serves it.

import { useRef } from "preact/hooks";
import { shortModel } from "../parts/describe.ts";
import { IconButton } from "../parts/buttons.tsx";
import { usePanel } from "../parts/panel.ts";
import { useId } from "../parts/use-id.ts";
import { useDraft } from "../form/use-draft.ts";

interface HeaderProps {
  /** The id of the parameters, which a button shows. */
  drawer: string;
  open: boolean;
  toggle: () => void;
}

export function Header({ drawer, open, toggle }: HeaderProps) {
  const { link } = usePanel();
  const { view } = link.shape.value;
  return (
    <header class="hfw-head">
      <Title />
      <span class="hfw-gap" />
      {/* The models of a comparison are named when it is made. */}
      {!view.startsWith("compare") && view !== "rows" && <ModelField />}
      {/* The rows of an evaluation were asked already: no model is called from here. */}
      {view !== "rows" && <ProviderField />}
      <SettingsButton drawer={drawer} open={open} toggle={toggle} />
    </header>
  );
}

/** The task's name; where there are several to choose from, a list of them by domain. */
function Title() {
  const { link } = usePanel();
  const { label, help, task, tasks = [] } = link.shape.value;
  if (tasks.length < 2) return <h2 class="hfw-title" title={help}>{label}</h2>;
  const domains = [...new Set(tasks.map((one) => one.domain))];
  const options = (domain: string) =>
    tasks.filter((one) => one.domain === domain).map(({ name, label: title }) => <option key={name} value={name}>{title}</option>);
  return (
    <select class="hfw-input hfw-task" aria-label="Task" title={help} value={task} onChange={({ currentTarget }) => link.act("switch", { task: currentTarget.value })}>
      {domains.length === 1 && domains[0] !== undefined
        ? options(domains[0])
        : domains.map((domain) => (
            <optgroup key={domain} label={domain.charAt(0).toUpperCase() + domain.slice(1)}>{options(domain)}</optgroup>
          ))}
    </select>
  );
}

function ModelField() {
  const { link } = usePanel();
  const id = useId();
  const asked = useRef<string | null>(null);
  const { model, provider } = link.part("settings");
  const [text, setText] = useDraft(model);
  const answered = link.part("state").stats?.model;
  const expected = link.part("expected")?.model;
  const known = expected || answered;
  // Names are only looked up once a name is about to be typed.
  const suggest = () => {
    if (asked.current !== provider && !link.shape.value.served.fixed) link.act("models");
    asked.current = provider;
  };
  return (
    <>
      <input
        class={`hfw-input hfw-model${known ? " hfw-known" : ""}`}
        type="text"
        list={id}
        placeholder={known ? shortModel(known) : "Automatic model"}
        title={model || (expected ? `${expected} answers` : answered ? `${answered} answered` : "The provider chooses the model")}
        aria-label="Model"
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onChange={({ currentTarget }) => link.act("set", { model: currentTarget.value.trim() })}
        onFocus={suggest}
      />
      <datalist id={id}>
        {link.part("models").map((name) => <option key={name} value={name} />)}
      </datalist>
    </>
  );
}

function ProviderField() {
  const { link } = usePanel();
  const { providers, unserved, served } = link.shape.value;
  const { provider } = link.part("settings");
  const known = ["", ...providers, ...unserved];
  const option = (name: string) => <option key={name} value={name}>{name}</option>;
  return (
    <select
      class="hfw-input hfw-provider"
      aria-label="Provider"
      disabled={served.fixed}
      value={provider}
      onChange={({ currentTarget }) => link.act("set", { provider: currentTarget.value })}
    >
      <option value="">{served.label}</option>
      {!served.fixed && providers.map(option)}
      {!served.fixed && unserved.length > 0 && <optgroup label="Do not serve this task">{unserved.map(option)}</optgroup>}
      {!known.includes(provider) && option(provider)}
    </select>
  );
}

function SettingsButton({ drawer, open, toggle }: HeaderProps) {
  const { link } = usePanel();
  const isSet = Object.keys(link.part("settings").values).length > 0;
  return (
    <span class="hfw-settings" data-controls={drawer} hidden={!link.shape.value.fields.length}>
      <IconButton icon="settings" label="Parameters" kind={isSet ? "hfw-on" : ""} expanded={open} act={toggle} />
    </span>
  );
}
