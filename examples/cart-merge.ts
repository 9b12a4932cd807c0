// A merge function for shopping carts, `{ "milk": 2, "eggs": 12 }`: of every item the greater
// count. Two browsers that changed one cart at the same time then see what both put into it.
//
//   kvorum keyspace check examples/cart-merge.ts      # tries it on the values of cart-merge.corpus
//
//   [[keyspaces]]                                     # in the configuration of the nodes
//   number = 2
//   name = "carts"
//   merge = "./examples/cart-merge.ts"
//
// What a merge cannot know is that an item was taken out: it comes back from the other sibling. An
// application that wants more stores more, say a count put in and a count taken out for each item.

/** `merge` is given what JSON.parse makes of the values, and returns such a thing. */
export const values = 'json';

type Cart = Record<string, number>;

export function merge(a: Cart, b: Cart): Cart {
  const merged = { ...a };
  for (const [item, count] of Object.entries(b)) merged[item] = Math.max(count, merged[item] ?? 0);
  return merged;
}
