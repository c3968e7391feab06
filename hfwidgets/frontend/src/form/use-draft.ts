// What is typed stays unchanged until it was taken over and comes back.

import { useEffect, useState } from "preact/hooks";

export function useDraft<T>(value: T): [T, (draft: T) => void] {
  const [draft, setDraft] = useState<{ text: T } | null>(null);
  useEffect(() => setDraft(null), [value]);
  return [draft ? draft.text : value, (text) => setDraft({ text })];
}
