// The background jobs of storage, for the composition root: it gives them to the thread on
// which they run, which loads the modules by their URLs.

/** URLs of modules that export a `runJob`, by the name under which the engine starts them. */
export const STORAGE_JOBS: Readonly<Record<string, string>> = {
  flush: new URL('./flush-job.ts', import.meta.url).href,
  scrub: new URL('./scrub/scrub-job.ts', import.meta.url).href,
  compaction: new URL('./compaction/compaction-job.ts', import.meta.url).href,
};
