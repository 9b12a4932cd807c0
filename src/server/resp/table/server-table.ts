// Rows of the command table: the server.

import { configGet, info, time, wait } from '../commands/server-commands.ts';
import { commandGroup } from './command-entry.ts';

export const SERVER_COMMANDS = [
  ...commandGroup('server', [
    {
      name: 'config',
      arity: -2,
      flags: '',
      categories: '@slow',
      summary: 'Commands about the configuration.',
      since: '2.0.0',
      complexity: 'Depends on subcommand.',
      subcommands: [
        {
          name: 'get',
          arity: -3,
          flags: 'admin noscript loading stale',
          categories: '@admin @slow @dangerous',
          syntax: 'parameter [parameter ...]',
          summary: 'Answers the parameters whose names match a glob.',
          since: '2.0.0',
          complexity: 'O(N) where N is the number of parameters',
          run: configGet,
        },
      ],
    },
    {
      name: 'info',
      arity: -1,
      flags: 'loading stale',
      categories: '@slow @dangerous',
      tips: 'nondeterministic_output request_policy:all_shards response_policy:special',
      syntax: '[section [section ...]]',
      summary: 'Describes this node, section by section.',
      since: '1.0.0',
      run: info,
    },
    {
      name: 'time',
      arity: 1,
      flags: 'loading stale fast',
      categories: '@fast',
      tips: 'nondeterministic_output',
      summary: 'Answers the time of this node: Unix seconds and microseconds.',
      since: '2.6.0',
      run: time,
    },
  ]),
  ...commandGroup('generic', [
    {
      name: 'wait',
      arity: 3,
      flags: 'noscript',
      categories: '@slow @connection',
      tips: 'request_policy:all_shards response_policy:agg_min',
      syntax: 'numreplicas timeout',
      summary: 'Waits until so many further nodes hold the last write of this connection.',
      since: '3.0.0',
      run: wait,
    },
  ]),
];
