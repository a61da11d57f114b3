import assert from 'node:assert/strict';
import { test } from 'node:test';

import { no_troubles, read_troubles, trouble_text } from '../src/troubles';

const full = { path: 'a.md', message: 'no space left on device', unsaved: true };
const closed = { path: 'b.md', message: 'permission denied', unsaved: false };

test('nothing is said while all is well', () => {
  assert.equal(trouble_text(no_troubles, 'a.md'), null);
  // A file that cannot be read is told beside the note that it concerns.
  assert.equal(trouble_text({ ...no_troubles, list: [closed] }, 'a.md'), null);
});

test('the note on the screen comes before others, the store and the folder before any note', () => {
  const here = trouble_text({ ...no_troubles, list: [full, closed] }, 'a.md');
  assert.equal(here?.text, 'Stored, but not in its file: no space left on device');
  assert.match(here?.detail ?? '', /^a\.md: .*tried again/);
  assert.match(trouble_text({ ...no_troubles, list: [closed] }, 'b.md')?.text ?? '', /cannot be read: permission denied/);
  assert.equal(trouble_text({ ...no_troubles, list: [full] }, 'c.md')?.text, '1 note is stored, but not in its file');
  assert.match(trouble_text({ ...no_troubles, list: [full, { ...full, path: 'd.md' }] }, null)?.text ?? '', /^2 notes are stored/);
  const store = { path: '.diaryx/store.db', message: 'no space left on device', unsaved: true };
  assert.equal(trouble_text({ ...no_troubles, list: [full, store] }, 'a.md')?.tone, 'bad');
  const gone = trouble_text({ mode: 'gone', message: 'it is no longer there', hint: 'put it back', list: [full] }, 'a.md');
  assert.deepEqual([gone?.tone, gone?.detail], ['bad', 'it is no longer there; put it back']);
});

test('watching by time is said with its remedy, unless there is worse', () => {
  const slow = { mode: 'polling', message: '9 of 10 folders cannot be watched', hint: 'sudo sysctl x=1', list: [] } as const;
  assert.deepEqual([trouble_text(slow, null)?.tone, trouble_text(slow, null)?.detail], ['warn', '9 of 10 folders cannot be watched; sudo sysctl x=1']);
  assert.match(trouble_text({ ...slow, list: [full] }, 'a.md')?.text ?? '', /not in its file/);
});

test('an answer of another server, or none, is no trouble', () => {
  for (const answer of [null, undefined, 'text', {}, { watching: null, troubles: 7 }, { troubles: [{ path: 1 }] }]) assert.deepEqual(read_troubles(answer), no_troubles);
  const told = { watching: { mode: 'polling', message: 'm', hint: null }, troubles: [full] };
  assert.deepEqual(read_troubles(told), { mode: 'polling', message: 'm', hint: null, list: [full] });
});
