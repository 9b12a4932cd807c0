// Loaded before every test file: property tests draw the same examples in every run, so that
// only a change of the code turns `npm test` red. Who wants to see others says so:
//
//   KVORUM_PROPERTY_SEED=random npm test -- src/membership     or a number, to see them again

import fc from 'fast-check';

const wanted = process.env.KVORUM_PROPERTY_SEED ?? '1';
if (wanted !== 'random') {
  const seed = Number(wanted);
  if (!Number.isInteger(seed)) {
    throw new Error(`KVORUM_PROPERTY_SEED is '${wanted}': give a whole number, or random.`);
  }
  fc.configureGlobal({ seed });
}
