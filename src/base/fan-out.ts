// Many requests, side by side but never more than a bound at a time: an MGET of a million keys must
// not queue a million requests before the next client's first.

/** Results in the order of `items`; rejects with the first rejection, after which none starts. */
export async function fanOut<Item, Result>(
  items: readonly Item[],
  atOnceMax: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (items.length <= atOnceMax) return Promise.all(items.map(run));
  const results = new Array<Result>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      try {
        results[at] = await run(items[at] as Item);
      } catch (thrown) {
        next = items.length;
        throw thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, work));
  return results;
}
