// What tests of large values share: value files beside tables on the disk of a simulated machine.

import { equal } from 'node:assert/strict';
import { TestTables } from '../sstable/test-table.ts';
import { valuesName } from './value-format.ts';
import type { ValuePointer } from './value-pointer.ts';
import { ValueWriter } from './value-writer.ts';

export class TestValues extends TestTables {
  async writeValues(number: number, values: readonly Buffer[]): Promise<ValuePointer[]> {
    const file = await this.disk.create(valuesName(number));
    const writer = new ValueWriter(file, number);
    const pointers: ValuePointer[] = [];
    for (const value of values) {
      pointers.push(writer.add(value));
      await writer.maybeWrite();
    }
    equal(await writer.finish(), file.size());
    await file.close();
    await this.disk.syncDirectory();
    return pointers;
  }

  valueBytesOf(number: number): Buffer {
    const bytes = this.machine.directory.bytesOf(valuesName(number));
    if (bytes === undefined) throw new Error(`there is no value file ${number}`);
    return bytes;
  }
}
