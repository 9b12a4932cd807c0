import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { type NumberedFile, nextStep, type ScrubPass } from './scrub-pass.ts';

const PERIOD = 1000;
const PASS: ScrubPass = { beganMs: 5000, next: 0, end: 100 };

function file(number: number, bytes: number): NumberedFile {
  return { kind: 'table', number, bytes };
}

/** `number@due` of each step of a pass, up to its end. */
function steps(files: readonly NumberedFile[], from = PASS): string[] {
  const said: string[] = [];
  for (let pass = from; ; ) {
    const step = nextStep(pass, files, PERIOD);
    if (step.kind === 'end') return [...said, `end@${step.dueMs}`];
    said.push(`${step.file.number}@${step.dueMs}`);
    pass = { ...pass, next: step.file.number + 1 };
  }
}

test('files are read in the order of their numbers, each at its share of the bytes', () => {
  deepEqual(steps([file(7, 50), file(3, 25), file(9, 25)]), [
    '3@5000',
    '7@5250',
    '9@5750',
    'end@6000',
  ]);
});

test('a pass over nothing ends after its period', () => {
  deepEqual(steps([]), ['end@6000']);
});

test('what was written since it began is for the next one', () => {
  const files = [file(3, 50), file(99, 50), file(100, 1_000)];
  deepEqual(steps(files), ['3@5000', '99@5500', 'end@6000']);
});

test('it goes on where it was', () => {
  const files = [file(3, 50), file(4, 25), file(9, 25)];
  deepEqual(steps(files, { ...PASS, next: 4 }), ['4@5500', '9@5750', 'end@6000']);
});

test('whatever compaction does meanwhile, nothing is due before its share or after the end', () => {
  let files = [1, 2, 3, 4, 5, 6].map((number) => file(number, 100));
  let pass: ScrubPass = { beganMs: 0, next: 0, end: 7 };
  let lastDueMs = 0;
  const read: number[] = [];
  for (;;) {
    const step = nextStep(pass, files, PERIOD);
    ok(step.dueMs <= PERIOD);
    if (step.kind === 'end') break;
    lastDueMs = step.dueMs;
    read.push(step.file.number);
    pass = { ...pass, next: step.file.number + 1 };
    // Files 2 and 3 are merged into 8.
    if (step.file.number === 2) files = [...files.filter((f) => f.number % 5 > 3), file(8, 200)];
  }
  deepEqual(read, [1, 2, 4]);
  equal(lastDueMs < PERIOD, true);
});
