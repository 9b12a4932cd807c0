// The job that runs modules of users, for the composition root: it gives it to the thread for
// guests, which loads it by its URL.

export const MERGE_JOBS: Readonly<Record<string, string>> = {
  merge: new URL('./merge-job.ts', import.meta.url).href,
};
