// O9, the memory of disks: what a power cut would leave of a node is looked at now and then, and
// held against what it would have left of it before. A primary forgets nothing that it ever had
// durably: it has the key as it was, or what replaced that, or a floor that says so. Other
// replicas would soon bring back what one has lost; this looks before they do.
//
// And O6: a hint stands beside the copy that it speaks of, or it promises what nobody has; but for
// a flush, which takes the copies and leaves the hints to be found out.

import { type StoredObject, subsumes } from '../../src/causality/siblings.ts';
import type { SimCluster } from '../cluster.ts';
import { type DiskImage, objectOn } from '../disk-image.ts';
import type { History } from '../history.ts';

interface Seen {
  /** Images are read while the run goes on, and may be ready in another order. */
  readonly look: number;
  readonly image: DiskImage;
}

export class DiskLooks {
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #seen = new Map<string, Seen>();
  /** By node: what was looked at before that look is of another disk. */
  readonly #replaced = new Map<string, number>();
  readonly #spoiled = new Set<string>();
  readonly #notes: Promise<unknown>[] = [];
  #looks = 0;

  constructor(cluster: SimCluster, history: History) {
    this.#cluster = cluster;
    this.#history = history;
  }

  /** What the power cut would leave in this instant. Rejects when that cannot be opened. */
  async look(name: string): Promise<DiskImage> {
    const look = this.#nextLook();
    const image = await this.#cluster.durableContents(name);
    this.#compare(name, { look, image });
    return image;
  }

  /** The same of all nodes in one instant, by their names. */
  async lookAtAll(): Promise<ReadonlyMap<string, DiskImage>> {
    const looking = this.#cluster.names.map(async (name) => {
      return [name, await this.look(name)] as const;
    });
    return new Map(await Promise.all(looking));
  }

  /** To remember how it is in this instant, whenever that is read. */
  note(name: string): void {
    const noted = this.look(name).catch((error) => {
      this.#history.broken.push(`unreadable: a power cut would leave a disk with ${error}`);
    });
    this.#notes.push(noted);
  }

  /** What stands on the disk of a node that is down for good. */
  async lookAtLast(name: string): Promise<DiskImage> {
    const image = await this.#cluster.contents(name);
    this.#compare(name, { look: this.#nextLook(), image });
    return image;
  }

  /** From now on, until mend(), something rots there: the node drops what it cannot read. */
  spoil(name: string): void {
    this.#spoiled.add(name);
  }

  /** It has again what it should have. */
  mend(name: string): void {
    if (this.#spoiled.delete(name)) this.forget(name);
  }

  /** From now on the node has another disk. */
  forget(name: string): void {
    this.#replaced.set(name, this.#nextLook());
    this.#seen.delete(name);
  }

  /** Resolves when all notes are taken. */
  async finish(): Promise<void> {
    await Promise.all(this.#notes);
  }

  #nextLook(): number {
    this.#looks += 1;
    return this.#looks;
  }

  #compare(name: string, now: Seen): void {
    if (this.#spoiled.has(name) || now.look < (this.#replaced.get(name) ?? 0)) return;
    const before = this.#seen.get(name);
    if (before !== undefined && before.look > now.look) return;
    this.#seen.set(name, now);
    const hollow = [...now.image.hinted].filter((key) => {
      return isNothing(objectOn(now.image, key)) && !this.#history.isFlushed(key);
    });
    if (hollow.length > 0) {
      this.#history.broken.push(`unaccounted: ${name} has hints of [${hollow}], and no copies`);
    }
    if (before === undefined) return;
    const isPrimary = (key: string) => this.#cluster.holders(key).includes(name);
    const keys = new Set([...before.image.objects.keys(), ...now.image.objects.keys()]);
    for (const key of keys) {
      const [was, is] = [objectOn(before.image, key), objectOn(now.image, key)];
      if (!isPrimary(key) || subsumes(is, was)) continue;
      this.#history.broken.push(`forgotten: ${name} had ${list(was)} of ${key}, has ${list(is)}`);
    }
  }
}

function isNothing({ context }: StoredObject): boolean {
  return context.length === 0;
}

function list({ siblings }: StoredObject): string {
  const values = siblings.map(({ isTombstone, value }) => (isTombstone ? 'a tombstone' : value));
  return `[${values.join(', ')}]`;
}
