import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { withSection } from './figures-page.ts';

const PAGE = '# Figures\n\nWords.\n';

test('a section is added at the end, and replaced where it stands', () => {
  const one = withSection(PAGE, 'a', 'first');
  equal(one, `${PAGE}\n<!-- begin a -->\nfirst\n<!-- end -->\n`);
  const two = withSection(one, 'a 10', 'second');
  const again = withSection(two, 'a', 'third');
  equal(again, two.replace('first', 'third'));
  equal(withSection(again, 'a 10', 'second'), again);
});
