// The commands of one connection between the parser and the writer: started in the order that
// command-order.ts allows, running side by side, answered strictly in the order of arrival.
//
// A command whose handler answers synchronously while nothing else is under way is written to the
// output at once: no turn, no promise. Everything else waits in `#pending` and is written as soon
// as all before it are.
//
// What the session says (protocol, CLIENT REPLY) is read when a command starts. That is right
// because the commands that change it start after all before them and before all after them.

import { messageOf } from '../../base/errors.ts';
import type { Clock, Log } from '../../host/host.ts';
import type { Store } from '../../node/store.ts';
import { slotOf } from '../../ring/slot.ts';
import type { Call, Command } from './command.ts';
import { isBarrier, isPlainWrite, keysOf } from './command-keys.ts';
import { type Claim, CommandOrder, type Turn } from './command-order.ts';
import { replyOf, replyOfRefusal, replyOfThrown } from './error-words.ts';
import { type Found, refusal } from './refusal.ts';
import { error, type Reply } from './reply.ts';
import type { RespWriter } from './resp-writer.ts';
import type { RespServerInfo } from './server-info.ts';
import type { Session } from './session.ts';

/** What commands are and do: see command-table.ts and run-command.ts. */
export interface CommandSet {
  find(args: readonly Buffer[]): Found;
  run(command: Command, call: Call): Reply | Promise<Reply>;
}

/** Longer than a request may take: who waited so long behind others has given up. */
const HELD_MS_MAX = 5_000;

export interface PipelineParts {
  readonly session: Session;
  readonly store: Store;
  readonly server: RespServerInfo;
  readonly commands: CommandSet;
  readonly writer: RespWriter;
  readonly clock: Clock;
  readonly log: Log;
  /** A number that clients cannot know; see key-groups.ts. */
  readonly hashSeed: number;
  /** What was found by the Buffer of a name; see known-names.ts. */
  readonly found: WeakMap<Buffer, Found>;
  isReady(): boolean;
  /** Something was answered later than it was asked: there may be output, and room for more. */
  onProgress(): void;
}

interface Pending {
  /** Undefined: it was refused, `reply` says how. */
  readonly command: Command | undefined;
  args: readonly Buffer[];
  reply: Reply;
  /** Monotonic time since when it waits for its start; 0: it never had to. */
  heldSinceMs: number;
  /** So many commands in succession are answered with it: more than one only where refused. */
  count: number;
  isDone: boolean;
  isSilent: boolean;
  protocol: 2 | 3;
}

const FREE: Claim = { kind: 'free' };
const BARRIER: Claim = { kind: 'barrier' };
/** Answered entries are dropped in one go, for a queue that never runs empty. */
const ANSWERED_MAX = 256;
const NO_ARGS: readonly Buffer[] = [];
const TOO_LATE = replyOf(
  'OVERLOADED',
  `it waited for more than ${HELD_MS_MAX} ms behind others of this connection; nothing was done`,
);
const INTERNAL_ERROR = error('ERR internal error');

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #order: CommandOrder<Pending>;
  /** In order of arrival; those before `#first` are answered. */
  #pending: Pending[] = [];
  #first = 0;
  #unfinished = 0;
  #isClosed = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#order = new CommandOrder(parts.hashSeed);
  }

  /** Commands that are not answered yet. */
  get inFlight(): number {
    return this.#pending.length - this.#first;
  }

  /** Those of them whose answer is not known: the others, refused ones say, wait for their turn. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** As what it takes a place on this node; undefined: it takes none. */
  placeOf(args: readonly Buffer[]): 'read' | 'write' | undefined {
    const found = this.#find(args);
    return found.kind === 'command' ? placeOf(found.command) : undefined;
  }

  /**
   * `args` must stay unchanged until the reply is written. `isOverdue`: it is refused where this
   * node cannot keep up.
   */
  execute(args: readonly Buffer[], isOverdue: boolean): void {
    const { session, server } = this.#parts;
    server.counters.commands++;
    session.commandCount++;
    const found = this.#find(args);
    const command = found.kind === 'command' ? found.command : undefined;
    if (command !== undefined) session.lastCommand = command.name;
    const refused =
      refusal(found, args, this.#parts.isReady()) ??
      (isOverdue ? this.#refusalOf(command) : undefined);
    if (refused === undefined) this.#enter(command, args, null);
    else this.#refuse(refused);
  }

  /** Answers what was no command at all, after everything before it. */
  refuse(text: string): void {
    this.#refuse(error(text));
  }

  /** The connection is gone: commands that have not started never will. */
  close(): void {
    this.#isClosed = true;
    this.#pending = [];
    this.#first = 0;
    this.#unfinished = 0;
  }

  /** Of a node that cannot keep up: before the command takes its place among the others. */
  #refusalOf(command: Command | undefined): Reply | undefined {
    const kind = command && placeOf(command);
    const why = kind && this.#parts.store.gate.refusal(kind);
    return why && replyOfRefusal(why);
  }

  /** It need not wait for its start where all before it have started: see `free` in the order. */
  #refuse(reply: Reply): void {
    if (this.#order.isHolding) {
      this.#enter(undefined, NO_ARGS, reply);
      return;
    }
    const pending = pendingOf(undefined, NO_ARGS, reply);
    this.#start(pending);
    const last = this.#pending.at(-1);
    if (last === undefined) this.#write(pending);
    else if (isAlike(last, pending)) last.count += 1;
    else this.#pending.push(pending);
  }

  #enter(command: Command | undefined, args: readonly Buffer[], reply: Reply): void {
    const pending = pendingOf(command, args, reply);
    if (this.#order.isIdle) {
      const promise = this.#start(pending);
      if (promise === undefined) {
        this.#write(pending);
        return;
      }
      this.#push(pending);
      const turn = this.#order.arrive(pending, this.#claimOf(command, args));
      this.#await(promise, turn);
      return;
    }
    this.#push(pending);
    const turn = this.#order.arrive(pending, this.#claimOf(command, args));
    if (turn.mayStart) this.#startAll([turn]);
    else pending.heldSinceMs = this.#parts.clock.monotonicMs();
  }

  #push(pending: Pending): void {
    this.#pending.push(pending);
    this.#unfinished += 1;
  }

  /** Remembers what the name alone decides. */
  #find(args: readonly Buffer[]): Found {
    const known = this.#parts.found.get(args[0] as Buffer);
    if (known !== undefined) return known;
    const found = this.#parts.commands.find(args);
    if (found.kind === 'command' && found.command.subcommands === undefined) {
      if (!found.command.name.includes('|')) this.#parts.found.set(args[0] as Buffer, found);
    }
    return found;
  }

  /** Runs it; undefined when it was answered at once. */
  #start(pending: Pending): Promise<Reply> | undefined {
    const { session } = this.#parts;
    const modeBefore = session.replyMode;
    if (modeBefore === 'skip-next') session.replyMode = 'on';
    const answer = this.#answer(pending);
    // CLIENT REPLY ON is the one command that is heard although replies were off before it.
    const isHeard = modeBefore === 'on' || (modeBefore === 'off' && session.replyMode === 'on');
    pending.isSilent = !isHeard;
    pending.protocol = session.protocol;
    if (answer instanceof Promise) return answer;
    pending.reply = answer;
    pending.isDone = true;
    return undefined;
  }

  #answer({ command, args, reply, heldSinceMs }: Pending): Reply | Promise<Reply> {
    if (command === undefined) return reply;
    const { session, store, server, clock, commands } = this.#parts;
    if (heldSinceMs > 0 && clock.monotonicMs() - heldSinceMs > HELD_MS_MAX) return TOO_LATE;
    try {
      return commands.run(command, { args, session, store, server });
    } catch (thrown) {
      return this.#replyOfThrown(thrown, command);
    }
  }

  #await(promise: Promise<Reply>, turn: Turn<Pending>): void {
    promise.then(
      (reply) => this.#settle(turn, reply),
      (thrown) => this.#settle(turn, this.#replyOfThrown(thrown, turn.item.command)),
    );
  }

  #settle(turn: Turn<Pending>, reply: Reply): void {
    if (this.#isClosed) return;
    turn.item.reply = reply;
    turn.item.isDone = true;
    turn.item.args = NO_ARGS;
    this.#unfinished -= 1;
    this.#startAll(this.#order.finish(turn));
    this.#writeDone();
    this.#parts.onProgress();
  }

  /** Starts these and whatever their ends let start; a loop, for a thousand may end at once. */
  #startAll(ready: readonly Turn<Pending>[]): void {
    if (ready.length === 0) return;
    const queue = [...ready];
    for (let i = 0; i < queue.length; i++) {
      const turn = queue[i] as Turn<Pending>;
      const promise = this.#start(turn.item);
      if (promise === undefined) {
        this.#unfinished -= 1;
        queue.push(...this.#order.finish(turn));
      } else {
        this.#await(promise, turn);
      }
    }
  }

  #writeDone(): void {
    while (this.#first < this.#pending.length) {
      const pending = this.#pending[this.#first] as Pending;
      if (!pending.isDone) break;
      this.#first++;
      this.#write(pending);
      pending.reply = null;
    }
    this.#forgetAnswered();
  }

  #forgetAnswered(): void {
    if (this.#first === this.#pending.length) this.#pending.length = 0;
    else if (this.#first >= ANSWERED_MAX) this.#pending.splice(0, this.#first);
    else return;
    this.#first = 0;
  }

  #write({ reply, count, isSilent, protocol }: Pending): void {
    const { writer, server } = this.#parts;
    if (isError(reply)) server.counters.errorReplies += count;
    if (isSilent) return;
    writer.protocol = protocol;
    for (let i = 0; i < count; i++) writer.write(reply);
  }

  /**
   * Plain writes of one key may run side by side only where this node coordinates them, in their
   * order: two that are forwarded could end at two coordinators.
   */
  #claimOf(command: Command | undefined, args: readonly Buffer[]): Claim {
    if (command === undefined) return FREE;
    if (command.keys.first === 0) return isBarrier(command) ? BARRIER : FREE;
    const keys = keysOf(command, args);
    if (command.flags.includes('readonly')) return { kind: 'keyed', effect: 'read', keys };
    const { session, store } = this.#parts;
    const isOrdered =
      isPlainWrite(command, args) &&
      keys.every((key) => store.isPrimary(session.keyspace, slotOf(key)));
    return { kind: 'keyed', effect: isOrdered ? 'plain-write' : 'exclusive', keys };
  }

  #replyOfThrown(thrown: unknown, command: Command | undefined): Reply {
    const reply = replyOfThrown(thrown);
    if (reply !== undefined) return reply;
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    this.#parts.log.error('command-failed', {
      command: command?.name,
      reason: messageOf(thrown),
      stack,
    });
    return INTERNAL_ERROR;
  }
}

function placeOf({ keys, flags }: Command): 'read' | 'write' | undefined {
  if (keys.first === 0) return undefined;
  return flags.includes('readonly') ? 'read' : 'write';
}

function pendingOf(command: Command | undefined, args: readonly Buffer[], reply: Reply): Pending {
  return {
    command,
    args,
    reply,
    heldSinceMs: 0,
    count: 1,
    isDone: false,
    isSilent: false,
    protocol: 2,
  };
}

/** Whether what is known of `before` is all that there is to `next`. */
function isAlike(before: Pending, next: Pending): boolean {
  const { reply, isSilent, protocol } = next;
  if (!before.isDone || before.reply !== reply) return false;
  return before.isSilent === isSilent && before.protocol === protocol;
}

function isError(reply: Reply): boolean {
  return typeof reply === 'object' && reply !== null && 'kind' in reply && reply.kind === 'error';
}
