// Finds a command by the words that a client typed, in any case. A miss says which kind it is,
// because clients match the two error texts. Every command goes through here: the answers are
// made once, and a look-up in the usual spellings allocates one short string.

import type { CommandEntry } from './command-entry.ts';

export type FoundCommand =
  | { readonly kind: 'command'; readonly command: CommandEntry }
  | { readonly kind: 'unknown-command' }
  /** `parent` is a container such as CLIENT that has no subcommand of that name. */
  | { readonly kind: 'unknown-subcommand'; readonly parent: CommandEntry };

interface Known {
  readonly command: FoundCommand;
  readonly noSubcommand: FoundCommand;
  /** Undefined where the command is no container. */
  readonly subcommands: ReadonlyMap<string, FoundCommand> | undefined;
}

/** Longer words are no command's name; they are not even turned into a string. */
const NAME_BYTES_MAX = 32;
const UNKNOWN: FoundCommand = { kind: 'unknown-command' };

export class CommandIndex {
  readonly #known = new Map<string, Known>();
  readonly #commands: CommandEntry[] = [];

  constructor(commands: readonly CommandEntry[]) {
    this.add(commands);
  }

  get commands(): readonly CommandEntry[] {
    return this.#commands;
  }

  add(commands: readonly CommandEntry[]): void {
    for (const command of commands) {
      const subcommands = command.subcommands?.map((sub): [string, FoundCommand] => [
        sub.name.slice(command.name.length + 1),
        { kind: 'command', command: sub },
      ]);
      const known: Known = {
        command: { kind: 'command', command },
        noSubcommand: { kind: 'unknown-subcommand', parent: command },
        subcommands: subcommands && new Map(subcommands),
      };
      this.#commands.push(command);
      this.#known.set(command.name, known);
      this.#known.set(command.name.toUpperCase(), known);
    }
  }

  /** `args` holds at least the name. A container without a further word is found as itself. */
  find(args: readonly Buffer[]): FoundCommand {
    const name = args[0] as Buffer;
    if (name.length > NAME_BYTES_MAX) return UNKNOWN;
    const typed = name.toString('latin1');
    const known = this.#known.get(typed) ?? this.#known.get(typed.toLowerCase());
    if (known === undefined) return UNKNOWN;
    const sub = args[1];
    if (known.subcommands === undefined || sub === undefined) return known.command;
    if (sub.length > NAME_BYTES_MAX) return known.noSubcommand;
    return known.subcommands.get(sub.toString('latin1').toLowerCase()) ?? known.noSubcommand;
  }

  /** By the full name in lower case, `client|id` for a subcommand. */
  named(name: string): CommandEntry | undefined {
    const found = this.find(name.split('|', 2).map((word) => Buffer.from(word)));
    if (found.kind !== 'command' || found.command.name !== name.toLowerCase()) return undefined;
    return found.command;
  }
}
