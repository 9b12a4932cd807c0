// "Did you mean …?": the known name that a misspelt one probably stands for.

/** The known name within two or a third of its letters of edits; undefined when none is. */
export function nearestName(typed: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let nearestEdits = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const name of known) {
    const edits = editsBetween(typed.toLowerCase(), name.toLowerCase());
    if (edits >= nearestEdits) continue;
    nearest = name;
    nearestEdits = edits;
  }
  return nearest;
}

/** A sentence for the `fix` of an error, naming the nearest name or else all of them. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const nearest = nearestName(typed, known);
  if (nearest !== undefined) return `Did you mean ${nearest}?`;
  return `Known are: ${known.join(', ')}.`;
}

/** Levenshtein's distance, in which two swapped neighbours count as one edit. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replaced, (previous[j] as number) + 1, (row[j - 1] as number) + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) edits = Math.min(edits, (before[j - 2] as number) + 1);
      row.push(edits);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] as number;
}
