// The background jobs of storage, for the composition root: it gives them to the thread on
// which they run, which loads the module by its URL.

/** URLs of modules that export a `runJob`, by the name under which the engine starts them. */
export const STORAGE_JOBS: Readonly<Record<string, string>> = {
  compaction: new URL('./compaction-job.ts', import.meta.url).href,
};
