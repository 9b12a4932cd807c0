import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimRandom } from '../../../sim/sim-random.ts';
import { crc32 } from '../../base/checksum.ts';
import { hasCode } from '../../base/errors.ts';
import { TestValues } from './test-values.ts';
import { openValueFile, type ValueFile } from './value-file.ts';
import { FOOTER_BYTES, VALUES_FORMAT, valuesName, valuesNumberOf } from './value-format.ts';
import { decodePointer, encodePointer, type ValuePointer } from './value-pointer.ts';

const damaged = (error: unknown) => hasCode(error, 'CORRUPTION');

async function readFrom(file: ValueFile, pointer: ValuePointer): Promise<Buffer> {
  return file.read(pointer);
}

const texts = (...all: string[]) => all.map((text) => Buffer.from(text));

test('the worked example of value-format.ts is what is written', async () => {
  const header = await readFile(new URL('value-format.ts', import.meta.url), 'utf8');
  const drawn = [...header.matchAll(/^\/\/ +(?:record|footer) +([0-9a-f]{8}.*)$/gm)];
  const tests = new TestValues();
  await tests.run(() => tests.writeValues(2, texts('a large value', 'another')));
  const hex = drawn.map(([, bytes]) => bytes).join('');
  equal(tests.valueBytesOf(2).toString('hex'), hex.replace(/[ ·]/g, ''));
});

test('a name says a number, and no other name does', () => {
  equal(valuesName(12), 'values-0000000012.kvvalues');
  equal(valuesNumberOf('values-0000000012.kvvalues'), 12);
  for (const other of ['values-12.kvvalues', 'table-0000000012.kvtable', 'values-0000000012']) {
    equal(valuesNumberOf(other), undefined);
  }
});

test('what was written is read, in any order', async () => {
  const bytes = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(100_000, 262_144, 700_000).map((n) => Buffer.alloc(n, 'abc')),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes), async (values) => {
      const tests = new TestValues();
      await tests.run(async () => {
        const pointers = await tests.writeValues(3, values);
        const file = await openValueFile(tests.disk, 3);
        equal(file.bytes, tests.valueBytesOf(3).length);
        const order = pointers.map((pointer, n) => ({ pointer, value: values[n] })).reverse();
        const read = order.map(({ pointer }) => file.read(pointer));
        deepEqual(
          await Promise.all(read),
          order.map(({ value }) => value),
        );
        for (const [n, { valueBytes }] of pointers.entries()) equal(valueBytes, values[n]?.length);
        let bytesRead = 0;
        await file.verify((count) => {
          bytesRead += count;
        });
        ok(bytesRead >= file.bytes, `${bytesRead} of ${file.bytes} bytes`);
        await file.close();
      });
    }),
    { numRuns: 100 },
  );
});

test('values that repeat themselves are compressed', async () => {
  const tests = new TestValues();
  const value = Buffer.alloc(50_000, 'a large value ');
  await tests.run(async () => {
    const [pointer] = await tests.writeValues(1, [value]);
    ok((pointer?.pieceBytes as number) < 1000);
    equal(pointer?.valueBytes, 50_000);
  });
});

for (const [how, values] of Object.entries({
  plain: texts('one', '', 'two'),
  compressed: [Buffer.alloc(4000, 'ab'), ...texts('x')],
})) {
  test(`every flipped bit is an error or makes no difference: ${how}`, async () => {
    const tests = new TestValues();
    const pointers = await tests.run(() => tests.writeValues(1, values));
    const bytes = tests.valueBytesOf(1).length;
    ok(bytes < 200, `${bytes} bytes are few enough to flip each bit`);
    const errors = async () => {
      let count = 0;
      try {
        const file = await openValueFile(tests.disk, 1);
        for (const [n, pointer] of pointers.entries()) {
          const found = await readFrom(file, pointer).catch((error) => error);
          if (found instanceof Error) ok(damaged(found), String(found));
          else deepEqual(found, values[n]);
          count += found instanceof Error ? 1 : 0;
        }
        count += await file.verify().then(
          () => 0,
          (error) => (damaged(error) ? 1 : Promise.reject(error)),
        );
        await file.close();
      } catch (error) {
        if (!damaged(error) && !hasCode(error, 'NEWER_FORMAT')) throw error;
        count += 1;
      }
      return count;
    };
    equal(await tests.run(errors), 0);
    for (let bit = 0; bit < 8 * bytes; bit++) {
      tests.machine.directory.rot(valuesName(1), bit >> 3, bit & 7);
      ok((await tests.run(errors)) >= 1, `bit ${bit & 7} of byte ${bit >> 3} went unnoticed`);
      tests.machine.directory.rot(valuesName(1), bit >> 3, bit & 7);
    }
  });
}

test('a file that is too short or too long is refused', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    await tests.writeValues(1, texts('one', 'two'));
    const whole = tests.valueBytesOf(1);
    for (let length = 0; length < whole.length; length++) {
      await tests.replace(valuesName(1), whole.subarray(0, length));
      await rejects(openValueFile(tests.disk, 1), damaged, `cut to ${length} bytes`);
    }
    for (const more of [Buffer.from('x'), whole, whole.subarray(-FOOTER_BYTES)]) {
      await tests.replace(valuesName(1), Buffer.concat([whole, more]));
      await rejects(openValueFile(tests.disk, 1), damaged);
      await tests.replace(valuesName(1), Buffer.concat([more, whole]));
      await rejects(openValueFile(tests.disk, 1), damaged);
    }
  });
});

test('a file that loses its end while it is open is damaged, not empty', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const values = [Buffer.alloc(1000, 'a'), new SimRandom('large').bytes(400_000)];
    const [first, second] = (await tests.writeValues(1, values)) as [ValuePointer, ValuePointer];
    const file = await openValueFile(tests.disk, 1);
    await (await tests.disk.open(valuesName(1))).truncate(200_000);
    deepEqual(await file.read(first), values[0]);
    await rejects(readFrom(file, second), damaged);
    await rejects(file.verify(), damaged);
  });
});

test('a value is read at its own place only', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const values = texts('one', 'two');
    const [one, two] = (await tests.writeValues(1, values)) as [ValuePointer, ValuePointer];
    await tests.writeValues(2, values);
    const file = await openValueFile(tests.disk, 1);
    await rejects(readFrom(file, { ...one, offset: one.offset + 1 }), damaged);
    await rejects(readFrom(file, { ...one, pieceBytes: one.pieceBytes - 1 }), damaged);
    await rejects(readFrom(file, { ...two, valueBytes: 4 }), damaged);
    await rejects(readFrom(file, { ...two, offset: 1e9 }), damaged);
    const [bytes, other] = [tests.valueBytesOf(1), tests.valueBytesOf(2)];
    const swapped = Buffer.concat([
      other.subarray(0, -FOOTER_BYTES),
      bytes.subarray(-FOOTER_BYTES),
    ]);
    await tests.replace(valuesName(1), swapped);
    await rejects(readFrom(await openValueFile(tests.disk, 1), one), damaged);
    await tests.replace(valuesName(1), other);
    await rejects(openValueFile(tests.disk, 1), /the footer is that of value file 2/);
  });
});

test('a newer format is refused by its number', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    await tests.writeValues(1, texts('one'));
    const bytes = Buffer.from(tests.valueBytesOf(1));
    const footer = bytes.subarray(-FOOTER_BYTES);
    footer.writeUInt32BE(VALUES_FORMAT + 1, 16);
    footer.writeUInt32BE(crc32(footer.subarray(0, 20)), 20);
    await tests.replace(valuesName(1), bytes);
    await rejects(openValueFile(tests.disk, 1), (error) => hasCode(error, 'NEWER_FORMAT'));
  });
});

test('pointers are read as they were written, and bad ones are refused', () => {
  const number = fc.maxSafeNat();
  const pointers = fc.record({
    file: number,
    offset: number,
    pieceBytes: number,
    valueBytes: number,
  });
  fc.assert(
    fc.property(pointers, (pointer) => {
      deepEqual(decodePointer(encodePointer(pointer)), { ...pointer });
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decodePointer(Buffer.from(bytes));
      } catch (error) {
        ok(hasCode(error, 'BAD_BYTES'), String(error));
      }
    }),
  );
});
