// `kvorum dev`: a cluster of real node processes on this machine, for trying things out.
//
// The nodes are what `kvorum start` runs, on real disks and sockets; only the number of machines
// is not real. One that dies is reported and the others go on, which is the point of the product.

import type { Command } from 'commander';
import { memoryFrom } from './config/storage-settings.ts';
import { DevCluster } from './dev/dev-cluster.ts';
import {
  checkDirectory,
  checkPorts,
  type DevLayout,
  type DevWishes,
  devLayout,
  erase,
} from './dev/dev-layout.ts';
import { printData, printJson, styled } from './output.ts';
import { type Column, textTable } from './text-table.ts';

const HELP = `
Examples:
  $ kvorum dev
  Node  Redis protocol  HTTP                   Data
  n1    127.0.0.1:7001  http://127.0.0.1:8001  .kvorum/dev/n1
  n2    127.0.0.1:7002  http://127.0.0.1:8002  .kvorum/dev/n2
  n3    127.0.0.1:7003  http://127.0.0.1:8003  .kvorum/dev/n3
  …
  ready

  $ kvorum dev --nodes 5 --port 7101 --data /tmp/five
  $ kvorum dev --fresh               forget what the last one stored
  $ kvorum dev --nodes 6 --dcs east,west --config examples/two-places.toml

Ctrl-C stops all nodes; their data stays in --data for the next time.
To see what a failure does: kill -9 one of the printed process ids.

Next: kvorum put greeting hello, then kvorum get greeting --url redis://127.0.0.1:7003`;

interface DevFlags extends DevWishes {
  readonly memory?: string;
  readonly config?: string;
  readonly fresh?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

const COLUMNS: readonly Column<DevLayout['nodes'][number]>[] = [
  { title: 'Node', text: ({ name, dataCenter }) => [name, dataCenter].join(' ').trimEnd() },
  { title: 'Redis protocol', text: ({ clientAddress }) => clientAddress },
  { title: 'HTTP', text: ({ httpAddress }) => `http://${httpAddress}` },
  { title: 'Data', text: ({ directory }) => directory },
];

export function defineDev(command: Command): void {
  command
    .option('--nodes <number>', 'how many nodes', '3')
    .option('--port <number>', 'Redis port of the first node', '7001')
    .option('--data <directory>', 'where the nodes keep their data', '.kvorum/dev')
    .option('--dcs <names>', 'data centers that the nodes stand in: east,west')
    .option('--config <file>', 'TOML file with keyspaces, the same for all nodes')
    .option('--memory <size>', 'of each node, for memtables and cached blocks (384mb)')
    .option('--fresh', 'erase that data first')
    .option('--verbose', 'show everything that the nodes log')
    .option('--json', 'print the addresses and "ready" as JSON lines')
    .addHelpText('after', HELP)
    .action(async (flags: DevFlags) => {
      const layout = devLayout(flags);
      if (flags.memory !== undefined) memoryFrom({ value: flags.memory, from: '--memory' });
      await checkPorts(layout);
      if (flags.fresh) erase(layout);
      else checkDirectory(layout);
      if (flags.json) printJson({ event: 'nodes', nodes: layout.nodes });
      else printData(welcome(layout));
      const cluster = new DevCluster(layout, {
        isVerbose: flags.verbose === true,
        memory: flags.memory,
        config: flags.config,
      });
      const onReady = () => {
        if (flags.json) printJson({ event: 'ready' });
        else printData(`${styled(['green', 'bold'], 'ready', process.stdout)}\n`);
      };
      process.exitCode = await cluster.run(onReady);
    });
}

function welcome(layout: DevLayout): string {
  const [first] = layout.nodes;
  const port = first?.clientAddress.split(':')[1];
  return `${textTable(COLUMNS, layout.nodes)}

Try:   redis-cli -p ${port} set greeting hello
       redis-cli -c -p ${port} get greeting     (-c: goes to the node that owns the key)
       kvorum status --url http://${first?.httpAddress}
Stop:  Ctrl-C

`;
}
