import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { withSection } from './figures-page.ts';

const PAGE = '# Figures\n\nWords.\n';

test('a section is added at the end, and replaced where it stands', () => {
  const one = withSection(PAGE, 'bench -- a', 'first');
  equal(one, `${PAGE}\n<!-- npm run bench -- a -->\nfirst\n<!-- end -->\n`);
  const two = withSection(one, 'bench -- a --b', 'second');
  const again = withSection(two, 'bench -- a', 'third');
  equal(again, two.replace('first', 'third'));
  equal(withSection(again, 'bench -- a --b', 'second'), again);
});
