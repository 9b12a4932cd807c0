import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Claim, CommandOrder, type Effect, type Turn } from './command-order.ts';

/** `r a`: a read of key a; `w a b`: a plain write; `x a`: exclusive; `b`: barrier; `f`: free. */
function claimOf(text: string): Claim {
  const [kind, ...keys] = text.split(' ');
  if (kind === 'b') return { kind: 'barrier' };
  if (kind === 'f') return { kind: 'free' };
  const effects: Record<string, Effect> = { r: 'read', w: 'plain-write', x: 'exclusive' };
  const effect = effects[kind as string] as Effect;
  return { kind: 'keyed', effect, keys: keys.map((key) => Buffer.from(key)) };
}

/** Plays commands and ends; the log of what started when. */
class Play {
  readonly order = new CommandOrder<number>(0x9e3779b9);
  readonly running: Turn<number>[] = [];
  readonly started: number[] = [];
  #count = 0;

  arrive(text: string): void {
    const turn = this.order.arrive(this.#count++, claimOf(text));
    if (turn.mayStart) this.#start(turn);
  }

  end(number: number): void {
    const at = this.running.findIndex((turn) => turn.item === number);
    assert.ok(at >= 0, `command ${number} is running`);
    const [turn] = this.running.splice(at, 1);
    for (const ready of this.order.finish(turn as Turn<number>)) this.#start(ready);
  }

  #start(turn: Turn<number>): void {
    this.running.push(turn);
    this.started.push(turn.item);
  }
}

/** Commands; then what starts at once, and after each end what starts next. */
const ROWS: readonly (readonly [string, string, ...string[]])[] = [
  ['w a, r a', '0', 'end 0: 1'],
  ['w a, w a, r a, r a, w a', '0 1', 'end 1:', 'end 0: 2 3', 'end 2:', 'end 3: 4'],
  ['w a, r b, w c', '0 1 2'],
  ['r a, r a, x a, x a, r a', '0 1', 'end 1:', 'end 0: 2', 'end 2: 3', 'end 3: 4'],
  ['x a a', '0', 'end 0:'],
  ['x a, w a b, r b, r c', '0 3', 'end 0: 1', 'end 1: 2'],
  ['x a, x b, w a b', '0 1', 'end 1:', 'end 0: 2'],
  ['r a, b, r b, f', '0', 'end 0: 1', 'end 1: 2 3'],
  ['b, b, f', '0', 'end 0: 1', 'end 1: 2'],
  ['f, r a, f, r b', '0 1 2 3'],
  ['x a, x a, f, r b', '0', 'end 0: 1 2 3'],
  ['x a, x a, f, b, r c', '0', 'end 0: 1 2', 'end 2:', 'end 1: 3', 'end 3: 4'],
];

describe('CommandOrder', () => {
  for (const [commands, atOnce, ...ends] of ROWS) {
    test(commands, () => {
      const play = new Play();
      for (const text of commands.split(', ')) play.arrive(text);
      assert.equal(play.started.join(' '), atOnce);
      for (const step of ends) {
        const [, number, expected] = /^end (\d+): ?(.*)$/.exec(step) as RegExpExecArray;
        const before = play.started.length;
        play.end(Number(number));
        assert.equal(play.started.slice(before).join(' '), expected, step);
      }
    });
  }

  test('any commands ending in any order: none is lost, conflicting ones never overlap', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const keyed = fc
      .tuple(fc.constantFrom('r', 'w', 'x'), key, key)
      .map((words) => words.join(' '));
    const command = fc.oneof({ arbitrary: keyed, weight: 6 }, fc.constantFrom('b', 'f'));
    const property = fc.property(fc.array(command), fc.array(fc.nat()), (commands, dice) => {
      const play = new Play();
      let rolled = 0;
      const endOne = () => {
        const at = (dice[rolled++ % (dice.length || 1)] ?? 0) % play.running.length;
        play.end((play.running[at] as Turn<number>).item);
      };
      commands.forEach((text, i) => {
        play.arrive(text);
        assertNoConflict(play, commands);
        if (i % 3 === 0 && play.running.length > 0) endOne();
      });
      while (play.running.length > 0) {
        endOne();
        assertNoConflict(play, commands);
      }
      assert.equal(new Set(play.started).size, commands.length);
      assert.ok(play.order.isIdle);
      assertOrder(play.started, commands);
    });
    fc.assert(property, { numRuns: 3_000 });
  });
});

function conflict(one: string, other: string): boolean {
  if (one === 'f' || other === 'f') return false;
  if (one === 'b' || other === 'b') return true;
  const [kind, ...keys] = one.split(' ');
  const [otherKind, ...otherKeys] = other.split(' ');
  if (!keys.some((key) => otherKeys.includes(key))) return false;
  return kind !== otherKind || kind === 'x';
}

function assertNoConflict(play: Play, commands: readonly string[]): void {
  const texts = play.running.map((turn) => commands[turn.item] as string);
  texts.forEach((one, i) => {
    for (const other of texts.slice(i + 1)) assert.ok(!conflict(one, other), `${one} | ${other}`);
  });
}

/** Conflicting commands start in order; a free one between what came before and after it. */
function assertOrder(started: readonly number[], commands: readonly string[]): void {
  const place = commands.map((_, number) => started.indexOf(number));
  commands.forEach((one, i) => {
    for (let j = i + 1; j < commands.length; j++) {
      const other = commands[j] as string;
      if (!conflict(one, other) && one !== 'f' && other !== 'f') continue;
      assert.ok((place[i] as number) < (place[j] as number), `${i} ${one} before ${j} ${other}`);
    }
  });
}
