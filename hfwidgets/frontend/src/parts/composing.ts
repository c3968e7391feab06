// Keys that belong to an input method.

/** The code of a key that an input method has taken: Safari ends the composition before that key. */
const TAKEN = 229;

/** True for a key that confirms, cancels or moves a candidate of an input method. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === TAKEN;
}
