// How many replicas a request waits for, as people say it: a number, wherever those replicas are,
// or the name of a level. Which replicas a level means is decided in need.ts.
//
// Pure: no clock, no disk, no network; dice are an argument.

/**
 * `one`: any. `quorum`: more than half of all copies, wherever they are. `local-quorum`: more than
 * half of those in the data center of the node that was asked. `each-quorum`: more than half of
 * those in every data center that has any. `all`: every copy.
 */
export const LEVEL_NAMES = ['one', 'quorum', 'local-quorum', 'each-quorum', 'all'] as const;

export type LevelName = (typeof LEVEL_NAMES)[number];

export type ConsistencyLevel = LevelName | number;

/** No keyspace has so many copies; how many it has only its coordinator knows. */
const NUMBER_MAX = 255;
const DIGITS = /^[0-9]{1,3}$/;

/** What a door is told: a number from 1 on or a name in any case; undefined: it is neither. */
export function levelIn(text: string): ConsistencyLevel | undefined {
  if (!DIGITS.test(text)) return LEVEL_NAMES.find((name) => name === text.toLowerCase());
  const number = Number(text);
  return number >= 1 && number <= NUMBER_MAX ? number : undefined;
}

/** Of the option called `letter`, for whoever gave something else. */
export function levelRule(letter: string): string {
  return `${letter} is a whole number from 1 to ${NUMBER_MAX}, or ${LEVEL_NAMES.join(', ')}`;
}
