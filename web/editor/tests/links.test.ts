import assert from 'node:assert/strict';
import { test } from 'node:test';

import { free_path, parse_link, path_to_title, read_path, title_to_file_name } from '../src/links';

test('a title gives a file name, as the server would choose it', () => {
  assert.equal(title_to_file_name('Hello World!'), 'hello-world.md');
  assert.equal(title_to_file_name('Test_File Name'), 'test-file-name.md');
  assert.equal(title_to_file_name('  Été à Łódź — 2025! '), 'été-à-łódź-2025.md');
  assert.equal(title_to_file_name('日記'), '日記.md');
  assert.equal(title_to_file_name('../..'), 'untitled.md');
  assert.equal(title_to_file_name('🍅'), 'untitled.md');
  const long = title_to_file_name('é'.repeat(500));
  assert.ok(new TextEncoder().encode(long).length <= 200, 'a path component has at most 200 octets');
  assert.doesNotMatch(long, /\uFFFD/);
});

test('a path without a title is called by its file name', () => {
  assert.equal(path_to_title('a/utility_index.md'), 'Utility Index');
  assert.equal(path_to_title('.md'), '.md');
});

test('a path that is taken in any case of letters gets a number', () => {
  const taken = new Set(['a/x.md', 'a/x-2.md']);
  assert.equal(free_path('a/X.md', (path) => taken.has(path)), 'a/X-3.md');
  assert.equal(free_path('a/y.md', (path) => taken.has(path)), 'a/y.md');
});

test('what a person types as a path becomes canonical, or is refused', () => {
  assert.deepEqual(read_path(' /a//b c '), { path: 'a/b c.md' });
  assert.deepEqual(read_path('./a.MD'), { path: 'a.MD' });
  for (const bad of ['', 'a/', '../a.md', 'a/../b.md', 'a/./b.md', '.diaryx/a.md', 'a/.git/b.md', 'a\u0000.md', `${'x'.repeat(201)}.md`]) {
    assert.ok('problem' in read_path(bad), `${JSON.stringify(bad)} is no path for a note`);
  }
});

test('links in all four formats', () => {
  assert.deepEqual(parse_link('[A [b]](</x y/z (1).md>)'), { label: 'A [b]', target: '/x y/z (1).md' });
  assert.deepEqual(parse_link('[A](../b.md)'), { label: 'A', target: '../b.md' });
  assert.deepEqual(parse_link(' a/b.md '), { label: null, target: 'a/b.md' });
});
