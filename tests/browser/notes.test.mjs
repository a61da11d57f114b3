// Making, naming, moving and deleting notes through the page, as the disk sees it.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { eventually, header_of, make_folder, open_page, run, serve, start_browser } from './support.mjs';

describe('notes through the page', () => {
  let browser, folder, server, ana;
  before(async () => (browser = await start_browser()));
  after(() => browser.close());
  beforeEach(async () => {
    folder = await make_folder();
    server = await serve(folder);
    ana = await open_page(browser, server.ready.url);
    await ana.page.locator('.cm-content').waitFor();
  });
  afterEach(async () => {
    await ana.close();
    await server.stop();
    await folder.remove();
    assert.deepEqual(ana.complaints, []);
  });

  it('shows the tree by contents, and what is not linked beside it', async () => {
    const rows = () => ana.page.locator('.row-label').allInnerTexts();
    await eventually(async () => assert.deepEqual(await rows(), ["Marta's notebook", 'Journal', 'Ideas', 'Not linked']));
    await ana.page.locator('.row', { hasText: 'Journal' }).locator('.twisty').click();
    await ana.page.locator('.row', { hasText: 'Not linked' }).click();
    assert.deepEqual(await rows(), ["Marta's notebook", 'Journal', 'A rainy day', 'Ideas', 'Not linked', 'Loose Thoughts']);
    assert.equal(await ana.page.locator('.row[aria-selected=true] .row-label').innerText(), "Marta's notebook");
  });

  it('makes a note under the current index', async () => {
    await ana.open_note('Ideas');
    await ana.page.getByRole('button', { name: 'New note', exact: true }).click();
    await ana.page.getByRole('textbox', { name: 'Title' }).last().fill('Été à Łódź!');
    await ana.page.getByRole('button', { name: 'Create' }).click();
    await ana.page.locator('.row[aria-selected=true]', { hasText: 'Été à Łódź!' }).waitFor();
    await ana.page.locator('.cm-content').waitFor();
    await ana.page.keyboard.type('Swim in the river.');
    const path = 'ideas/été-à-łódź.md';
    const file = await eventually(async () => {
      const text = await folder.read(path);
      assert.match(text, /Swim in the river\.$/);
      return text;
    });
    assert.match(header_of(file), /^title: .*Été à Łódź!/m);
    assert.match(header_of(file), /^part_of: .*\/ideas\/ideas\.md/m);
    await eventually(async () => assert.match(header_of(await folder.read('ideas/ideas.md')), /été-à-łódź\.md/));
    const validation = JSON.parse(run('validate', folder.path, '--json').stdout);
    assert.deepEqual(validation.issues.filter((issue) => issue.severity === 'error'), []);
  });

  it('does not take the path of another note', async () => {
    await ana.open_note('Journal');
    await ana.page.getByRole('button', { name: 'New note', exact: true }).click();
    await ana.page.getByRole('textbox', { name: 'Title' }).last().fill('Rain');
    assert.equal(await ana.page.locator('.dialog-hint').innerText(), 'journal/rain-2.md');
    await ana.page.getByRole('button', { name: 'Create' }).click();
    await eventually(async () => assert.match(await folder.read('journal/rain-2.md'), /title: Rain/));
    assert.equal(await folder.read('journal/rain.md'), folder.original('journal/rain.md'));
  });

  it('changes the line of the title, and no other octet of any file', async () => {
    await ana.open_note('A rainy day');
    await ana.page.getByRole('textbox', { name: 'Title' }).fill('A very rainy day');
    await ana.page.keyboard.press('Enter');
    const lines = folder.original('journal/rain.md').split('\n');
    await eventually(async () => assert.match(await folder.read('journal/rain.md'), /very rainy/));
    const changed = (await folder.read('journal/rain.md')).split('\n');
    assert.match(changed[1], /^title: /);
    assert.deepEqual(changed.toSpliced?.(1, 1) ?? [changed[0], ...changed.slice(2)], [lines[0], ...lines.slice(2)]);
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
    assert.equal(await folder.read('journal/journal.md'), folder.original('journal/journal.md'));
    assert.equal(await ana.page.locator('.row[aria-selected=true] .row-label').innerText(), 'A very rainy day');
  });

  it('moves a file, and the links to it', async () => {
    await ana.open_note('A rainy day');
    await ana.page.locator('.path').click();
    const field = ana.page.getByRole('textbox', { name: 'Path in the workspace' });
    await field.fill('../outside.md');
    assert.equal(await ana.page.getByRole('button', { name: 'Rename' }).last().isDisabled(), true);
    await field.fill('journal/2024/wet.md');
    await ana.page.getByRole('button', { name: 'Rename' }).last().click();
    await eventually(async () => assert.match(await folder.read('journal/2024/wet.md'), /It rained the whole morning\./));
    await eventually(async () => assert.match(header_of(await folder.read('journal/journal.md')), /\(\/journal\/2024\/wet\.md\)/));
    await eventually(() => assert.rejects(folder.read('journal/rain.md')));
    await ana.type_at('Control+End', 'Still the same note.');
    await eventually(async () => assert.match(await folder.read('journal/2024/wet.md'), /Still the same note\.$/));
    await assert.rejects(folder.read('journal/rain.md'));
  });

  it('deletes into the trash, and undoes it', async () => {
    await ana.open_note('A rainy day');
    await ana.page.getByRole('button', { name: 'Delete this note' }).click();
    await ana.page.getByRole('button', { name: 'Delete', exact: true }).click();
    await eventually(() => assert.rejects(folder.read('journal/rain.md')));
    await eventually(async () => assert.doesNotMatch(await folder.read('journal/journal.md'), /rain\.md/));
    const trash = await readdir(join(folder.path, '.diaryx', 'trash'), { recursive: true });
    assert.ok(trash.some((name) => name.includes('rain')), `the trash holds ${trash}`);
    await ana.page.getByRole('button', { name: 'Undo' }).click();
    await eventually(async () => assert.equal(await folder.read('journal/rain.md'), folder.original('journal/rain.md')));
    await eventually(async () => assert.match(await folder.read('journal/journal.md'), /rain\.md/));
    await ana.page.locator('.row[aria-selected=true]', { hasText: 'A rainy day' }).waitFor();
  });
});
