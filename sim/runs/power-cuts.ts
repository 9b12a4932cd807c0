// A season of power cuts and nothing else: the whole cluster goes dark about every second, clients
// write as fast as they are answered, and nobody empties a keyspace, so that every acknowledged
// write is one that must be there in the end. Many writes and many cuts for little time.

import type { ScenarioOptions } from '../scenario.ts';
import { manyKeys } from '../shared-keys.ts';
import { onlyWeather } from '../weather/weather.ts';

export const POWER_CUTS: Pick<ScenarioOptions, 'load' | 'weather'> = {
  weather: { ...onlyWeather('hasPowerCuts'), powerCutMs: 1_000, downMs: 50 },
  load: {
    clients: 12,
    sessions: 0,
    operations: [400, 600],
    thinkMs: [2, 4],
    keys: manyKeys(40),
    flushChance: 0,
    lookChance: 0.001,
  },
};
