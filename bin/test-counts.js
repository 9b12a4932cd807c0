// A reporter for node:test that writes the totals of the whole run, as one line of JSON.

export default async function* testCounts(events) {
  for await (const { type, data } of events) {
    // A summary with a file is that file's; the one without is the run's.
    if (type === 'test:summary' && data.file === undefined)
      yield `${JSON.stringify(data.counts)}\n`;
  }
}
