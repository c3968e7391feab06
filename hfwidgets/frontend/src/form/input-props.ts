import type { Field, InputView, Json } from "../document/protocol.ts";
import { type FormState, plainValue } from "./form-state.ts";

export interface InputProps {
  field: Field;
  state: FormState;
}

/** The texts of an input that is a list of them. */
export function textsOf(shown: InputView | null): string[] {
  const value: Json = plainValue(shown);
  return Array.isArray(value) ? value.map(String) : [];
}
