// The command line: `kvorum COMMAND …`. Each command is a file of its own, loaded only when it is
// called, so that `kvorum --help` costs nothing but itself.
//
// A command's file exports `define…(command)`, which adds its options, help and action. An action
// that fails throws; what it threw is printed here, in one form, and decides the exit code.

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { KVORUM_VERSION } from '../server/resp/commands/server-identity.ts';
import { badOption } from './config/node-setting.ts';
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-code.ts';
import { printError } from './output.ts';

interface CommandRow {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<(command: Command) => void>;
}

const COMMANDS: readonly CommandRow[] = [
  {
    name: 'dev',
    summary: 'run a local cluster of real node processes (start here)',
    load: async () => (await import('./dev.ts')).defineDev,
  },
  {
    name: 'start',
    summary: 'run one node',
    load: async () => (await import('./start.ts')).defineStart,
  },
  {
    name: 'status',
    summary: 'show the members of a cluster and what they own',
    load: async () => (await import('./status.ts')).defineStatus,
  },
  {
    name: 'keyspace',
    summary: 'list, describe and check the keyspaces of a cluster',
    load: async () => (await import('./keyspace.ts')).defineKeyspace,
  },
  {
    name: 'doctor',
    summary: 'check the data directory of a stopped node',
    load: async () => (await import('./doctor.ts')).defineDoctor,
  },
  {
    name: 'repair',
    summary: 'compare replicas now, and level what differs',
    load: async () => (await import('./repair.ts')).defineRepair,
  },
  {
    name: 'get',
    summary: 'print the value of a key',
    load: async () => (await import('./get.ts')).defineGet,
  },
  {
    name: 'put',
    summary: 'store a value under a key',
    load: async () => (await import('./put.ts')).definePut,
  },
  {
    name: 'del',
    summary: 'delete keys',
    load: async () => (await import('./del.ts')).defineDel,
  },
  {
    name: 'explain',
    summary: 'show what each replica has of a key, and why',
    load: async () => (await import('./explain.ts')).defineExplain,
  },
];

/** Beside the packages, not in /tmp: what is read there is run. Halves the time to start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/kvorum', import.meta.url));

const HELP = `
First steps:
  $ kvorum dev                     three nodes on this machine; leave it running
  $ kvorum put greeting hello      in another terminal
  OK
  $ kvorum get greeting --url redis://127.0.0.1:7003
  hello
  $ kvorum status
  $ redis-cli -p 7001              any Redis client works

Every command takes --json, and --help shows its examples.
Settings: flags win over KVORUM_… variables, those over the --config file.

${EXIT_CODES_HELP}`;

function program(): Command {
  const root = new Command('kvorum')
    .description('A distributed key-value store: any Redis client, no single point of failure.')
    .version(KVORUM_VERSION, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: false })
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', HELP);
  const rows = new Map<Command, CommandRow>();
  for (const row of COMMANDS) rows.set(root.command(row.name).description(row.summary), row);
  root.hook('preSubcommand', async (_, command) => {
    const define = await rows.get(command)?.load();
    define?.(command);
  });
  for (const command of [root, ...rows.keys()]) {
    command.exitOverride().configureOutput({ outputError: () => undefined });
  }
  return root;
}

/** What commander says about a misspelt word, as an error of ours. */
function usageError(error: CommanderError): Error {
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const fix = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'kvorum --help lists what there is.';
  return badOption(what, fix);
}

async function main(): Promise<void> {
  enableCompileCache(COMPILE_CACHE);
  // Processes that this one starts have it from their first module on.
  process.env.NODE_COMPILE_CACHE ??= COMPILE_CACHE;
  // The reader of a pipe has seen enough (kvorum get big | head -1): no error, and no more to say.
  process.stdout.on('error', () => process.exit(EXIT.ok));
  const root = program();
  if (process.argv.length <= 2) {
    root.outputHelp();
    return;
  }
  try {
    await root.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return; // --help, --version
    const shown = error instanceof CommanderError ? usageError(error) : error;
    printError(shown, process.argv.includes('--json'));
    process.exitCode = error instanceof CommanderError ? EXIT.usage : exitCodeOf(error);
  }
}

await main();
