import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';

import type { Branch } from '../src/outline';
import { build_outline, search_notes } from '../src/outline';
import { make_workspace } from './support';

const journal = {
  root: { path: 'README.md', title: 'Root', contents: ['day', 'gone', '[Away](/away.md)'] },
  day: { path: 'day.md', title: 'Day', part_of: 'root', contents: ['rain'] },
  rain: { path: 'rain.md', part_of: 'day' },
  gone: { path: 'gone.md', title: 'Gone', part_of: 'root', deleted: true },
  loose: { path: 'x/loose.md', title: 'Loose' },
};

function sketch(branches: Branch[]): unknown[] {
  return branches.map((branch) => (branch.children.length === 0 ? branch.label : [branch.label, ...sketch(branch.children)]));
}

test('the outline follows contents, shows what is missing, and groups what is not linked', () => {
  assert.deepEqual(sketch(build_outline(make_workspace(journal))), [['Root', ['Day', 'Rain'], 'Away'], ['Not linked', 'Loose']]);
});

test('the outline of a folder without an index is its folders', () => {
  const workspace = make_workspace({ a: { path: 'b.md' }, b: { path: 'x/y/deep.md' }, c: { path: 'x/a.md' } });
  assert.deepEqual(sketch(build_outline(workspace)), [['x', ['y', 'Deep'], 'A'], 'B']);
});

test('the outline ends for notes that list each other, and shows each', () => {
  const workspace = make_workspace({
    root: { path: 'README.md', title: 'Root', contents: ['root', 'a'] },
    a: { path: 'a.md', title: 'A', part_of: 'root', contents: ['root', 'a'] },
    b: { path: 'b.md', title: 'B', part_of: 'c', contents: ['c'] },
    c: { path: 'c.md', title: 'C', part_of: 'b', contents: ['b'] },
  });
  assert.deepEqual(sketch(build_outline(workspace)), [
    ['Root', 'Root', ['A', 'Root', 'A']],
    ['Not linked', ['B', ['C', 'B']]],
  ]);
});

test('the outline of a chain of 20,000 notes does not overflow the stack', () => {
  const chain = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`n${n}`, { path: `n${n}.md`, contents: [`n${n + 1}`], ...(n === 0 ? {} : { part_of: `n${n - 1}` }) }]));
  assert.equal(build_outline(make_workspace(chain))[0]?.id, 'n0');
});

test('search ignores accents and case, wants every word, and puts titles first', () => {
  const workspace = make_workspace({ a: { path: 'réunions/x.md', title: 'Lundi' }, b: { path: 'b.md', title: 'Une RÉUNION' }, c: { path: 'c.md', title: 'Réunion du mardi' } });
  assert.deepEqual(search_notes(workspace, 'reunion').map((record) => record.id), ['c', 'b', 'a']);
  assert.deepEqual(search_notes(workspace, 'reunion mardi').map((record) => record.id), ['c']);
});

test('create puts the note beside its parent, into its contents, under a path that is free', () => {
  const workspace = make_workspace({ ...journal, day: { ...journal.day, path: 'x/day.md' } });
  const id = workspace.create('Loose!', workspace.live('day'));
  assert.match(id, /^[A-Za-z0-9_-]{16}$/);
  assert.deepEqual({ ...workspace.live(id), modified_at: 0 }, { id, path: 'x/loose-2.md', title: 'Loose!', part_of: 'day', contents: null, deleted: false, modified_at: 0 });
  assert.deepEqual(workspace.live('day')?.contents, ['rain', id]);
});

test('the first note of an empty workspace is its root index, and the second hangs under it', () => {
  const workspace = make_workspace({});
  const root = workspace.create('My diary', null);
  assert.deepEqual(workspace.live(root)?.contents, []);
  assert.equal(workspace.roots()[0]?.id, root);
  const second = workspace.create('Day', workspace.index_for(workspace.live(root)));
  assert.equal(workspace.live(second)?.part_of, root);
  assert.equal(workspace.live(second)?.contents, null);
});

test('without an index a new note goes into the folder that is asked for', () => {
  const workspace = make_workspace({ a: { path: 'x/a.md' } });
  assert.equal(workspace.live(workspace.create('B', workspace.index_for(workspace.live('a')), 'x'))?.path, 'x/b.md');
});

test('remove leaves a tombstone, and its undo puts everything back in place', () => {
  const workspace = make_workspace(journal);
  const restore = workspace.remove('day');
  assert.equal(workspace.live('day'), null);
  assert.deepEqual(workspace.live('root')?.contents, ['gone', '[Away](/away.md)']);
  restore();
  assert.equal((workspace.doc.getMap('files').get('day') as Y.Map<unknown>).has('deleted'), false);
  assert.deepEqual(workspace.live('root')?.contents, journal.root.contents);
  assert.equal(workspace.live('day')?.title, 'Day');
});

test('restore of an older tombstone hangs it under the parent that it names, once', () => {
  const workspace = make_workspace({ ...journal, root: { ...journal.root, contents: ['day'] } });
  workspace.restore('gone');
  workspace.restore('gone');
  assert.deepEqual(workspace.live('root')?.contents, ['day', 'gone']);
});

test('a title edit touches title and modified_at only', () => {
  const workspace = make_workspace(journal);
  const keys = new Set<string>();
  workspace.doc.getMap('files').observeDeep((events) => events.forEach((event) => event.keys.forEach((_, key) => keys.add(key))));
  workspace.set_title('day', 'Night');
  workspace.set_title('day', 'Night');
  assert.deepEqual([...keys].sort(), ['modified_at', 'title']);
  workspace.set_title('day', '  ');
  assert.equal(workspace.live('day')?.title, null);
});

test('two notes that claim one path: the smaller id keeps it', () => {
  const workspace = make_workspace({ b: { path: 'a.md' }, a: { path: 'a.md' }, c: { path: 'a.md' } });
  assert.deepEqual(workspace.all_live().map((record) => [record.id, workspace.path_of(record)]).sort(), [['a', 'a.md'], ['b', 'a (2).md'], ['c', 'a (3).md']]);
  assert.ok(workspace.is_taken('A (2).md', null));
});

test('the original’s records of JSON text are read, and written back as text', () => {
  const text = JSON.stringify({ filename: 'day.md', title: 'Day', part_of: null, contents: ['x/a.md'], attachments: [], deleted: false, audience: null, description: null, extra: { mood: 'grey' }, modified_at: 5 });
  const workspace = make_workspace({ 'x/day.md': text, broken: '{"path":' });
  assert.equal(workspace.live('x/day.md')?.path, 'x/day.md');
  assert.equal(workspace.find('broken'), null);
  workspace.set_title('x/day.md', 'Night');
  const stored = workspace.doc.getMap('files').get('x/day.md');
  assert.equal(typeof stored, 'string');
  const json = JSON.parse(stored as string) as Record<string, unknown>;
  assert.deepEqual([json['title'], json['extra'], json['contents']], ['Night', { mood: 'grey' }, ['x/a.md']]);
});

test('a record of the wrong shapes is no trouble', () => {
  const workspace = make_workspace({});
  const files = workspace.doc.getMap<unknown>('files');
  const odd = new Y.Map<unknown>([['path', 'odd.md'], ['title', 7], ['contents', 'x'], ['deleted', 'no'], ['modified_at', 1_700_000_000_000n]]);
  workspace.doc.transact(() => {
    files.set('odd', odd);
    files.set('number', 5);
    files.set('list', new Y.Array());
    files.set('pathless', new Y.Map([['title', 'x']]));
  });
  assert.deepEqual(workspace.all_live(), [{ id: 'odd', path: 'odd.md', title: null, part_of: null, contents: null, deleted: false, modified_at: 1_700_000_000_000 }]);
});
