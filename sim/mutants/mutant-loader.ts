// Has this process load the product with a bug in it.

import { registerHooks } from 'node:module';
import { type Mutant, mutated } from './mutant.ts';

/** From here on; what was loaded before is as it was. */
export function loadWithMutant(mutant: Mutant): void {
  const place = new URL(`../../${mutant.file}`, import.meta.url).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== place) return loaded;
      return { ...loaded, source: mutated(String(loaded.source), mutant) };
    },
  });
}
