// `kvorum start`: one node in the foreground, until a signal ends it.

import type { Command } from 'commander';
import { readNodeConfig } from './config/node-config.ts';

const HELP = `
Examples:
  A node on its own, for a first look:
    $ kvorum start
    ready n1 redis://127.0.0.1:7001 http://127.0.0.1:8001

  One of three; run the same with --node-id n2 and n3:
    $ kvorum start --node-id n1 --data /var/lib/kvorum/n1 \\
        --cluster n1=127.0.0.1:7001,n2=127.0.0.1:7002,n3=127.0.0.1:7003

  The same in two data centers (README: Data centers):
    $ kvorum start --node-id n1 --cluster n1=10.0.0.1:7001@east/rack1,n2=10.0.1.1:7001@west

  The same from a file, which may also say racks, capacities and keyspaces:
    $ kvorum start --config kvorum.toml --node-id n1

      [[members]]
      name = "n1"
      listen = "10.0.0.1:7001"
      rack = "a"

      [[keyspaces]]
      number = 0
      name = "default"
      preset = "quorum"            # N=3 R=2 W=2; or fast-write, fast-read, eventual,
      #                            # local-quorum, each-quorum (R local-quorum)
      # n = { east = 3, west = 2 } # so many copies in each data center
      # w = "each-quorum"          # or r: a number, or one, quorum, local-quorum, each-quorum, all
      conflict-rule = "latest"     # or siblings: concurrent values are all kept
      # merge = "./cart-merge.ts"  # instead: they are kept, and reads merge them by a module
      #                            # beside this file, or set-union, max, json-fields
      # merge-limit = "100ms"      # of one merge; then reads answer the siblings
      durability = "fsync"         # or interval: acknowledged before the disk has it
      ttl = "30d"                  # for values whose writer gives none (never)
      siblings-max = 100           # a write that would leave more is refused
      object-max = "4mb"           # all siblings of a key together

Each flag is also a variable (--node-id: KVORUM_NODE_ID) and a key of the file (node-id).
The node logs JSON lines to standard error. SIGTERM or Ctrl-C closes it cleanly.

Next: kvorum status --url http://127.0.0.1:8001`;

export function defineStart(command: Command): void {
  command
    .option('--config <file>', 'TOML file with any of these settings')
    .option('--node-id <name>', 'which of the members this node is (n1)')
    .option('--data <directory>', 'where it keeps its data (.kvorum/<node-id>)')
    .option('--listen <address>', 'where Redis clients connect (127.0.0.1:7001)')
    .option('--http <address>', 'where HTTP is served (client port + 1000)')
    .option('--peer <address>', 'where other nodes connect (client port + 2000)')
    .option('--cluster <members>', 'all members, the same on every node: n1=host:port@dc/rack,n2=…')
    .option('--cluster-name <name>', 'part of who the cluster is (kvorum)')
    .option('--host <name>', 'the physical server, for a node on its own (its name)')
    .option('--rack <name>', 'its rack (rack1)')
    .option('--dc <name>', 'its data center (dc1)')
    .option('--capacity <number>', 'its share of the keys, relative to the others (1)')
    .option('--memory <size>', 'for memtables and cached blocks, beside 150 MB of its own (384mb)')
    .option('--disk-reserve <size>', 'free space below which it takes no writes (5%, at most 2gb)')
    .option(
      '--scrub-period <duration>',
      'in which all on the disk is checked once; 1s to 365d, or never (7d)',
    )
    .option('--anti-entropy <time>', 'pause between comparisons with other replicas (10s)')
    .option('--redirect <rule>', 'auto, moved or forward: for keys of other nodes (auto)')
    .option('--gossip <network>', 'between the nodes: loopback, lan or wan; the same on all (lan)')
    .option('--log-level <level>', 'info, warn, error or silent (info)')
    .option('--insecure-no-auth', 'allow addresses beyond loopback: there is no authentication')
    .option('--stop-with-parent', 'stop when the process that started it is gone (needs its IPC)')
    .option('--json', 'print the ready line as JSON')
    .addHelpText('after', HELP)
    .action(async (flags: Record<string, unknown>) => {
      const config = await readNodeConfig(flags, process.env);
      const { runNode } = await import('./run-node.ts');
      await runNode(config, {
        asJson: flags.json === true,
        stopsWithParent: flags.stopWithParent === true,
      });
    });
}
