// Assertions for bugs: conditions that only wrong code can break. On in production.
// What a user or a disk can get wrong is an error value or a KvorumError, never an assert.

/** Throws when `condition` is false; `shouldBe` says what should have been true. */
export function assert(condition: unknown, shouldBe: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${shouldBe}`);
}
