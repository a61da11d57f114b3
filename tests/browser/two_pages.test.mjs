// Two people in one note, and a third hand on the file.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { eventually, header_of, make_folder, open_page, serve, start_browser } from './support.mjs';

describe('two pages on one note', () => {
  let browser, folder, server, ana, ben;
  before(async () => (browser = await start_browser()));
  after(() => browser.close());
  beforeEach(async () => {
    folder = await make_folder();
    server = await serve(folder);
    ana = await open_page(browser, server.ready.url);
    ben = await open_page(browser, server.ready.url);
    await ana.open_note('A rainy day');
    await ben.open_note('A rainy day');
  });
  afterEach(async () => {
    const complaints = [...ana.complaints, ...ben.complaints];
    await ana.close();
    await ben.close();
    await server.stop();
    await folder.remove();
    assert.deepEqual(complaints, [], 'nothing in the pages went wrong or broke the Content-Security-Policy');
  });

  it('shows both what both type, and the file holds it below an untouched header', async () => {
    await Promise.all([ana.type_at('Control+Home', 'Ana was at the window. '), ben.type_at('Control+End', 'Ben brought soup 🍲.')]);
    const expected = 'Ana was at the window. It rained the whole morning.\n\nThe tomatoes liked it. 🍅\nBen brought soup 🍲.';
    for (const person of [ana, ben]) await eventually(async () => assert.equal(await person.text(), expected));
    for (const person of [ana, ben]) await eventually(async () => assert.equal(await person.status(), 'Saved'));
    const header = header_of(folder.original('journal/rain.md'));
    await eventually(async () => assert.equal(await folder.read('journal/rain.md'), header + expected));
    for (const other of ['README.md', 'journal/journal.md', 'ideas/ideas.md', 'loose_thoughts.md']) {
      assert.equal(await folder.read(other), folder.original(other), `${other} was not edited and must not change`);
    }
  });

  it('shows a change that sed makes on disk in both pages', async () => {
    await ana.type_at('Control+End', 'Then it stopped.');
    await eventually(async () => assert.match(await folder.read('journal/rain.md'), /Then it stopped\.$/));
    folder.sed('s/rained/snowed/', 'journal/rain.md');
    for (const person of [ana, ben]) {
      await eventually(async () => assert.equal(await person.text(), 'It snowed the whole morning.\n\nThe tomatoes liked it. 🍅\nThen it stopped.'));
    }
    const header = header_of(folder.original('journal/rain.md'));
    assert.equal(header_of(await folder.read('journal/rain.md')), header);
  });

  it('shows each where the other is, and undoes only what one typed oneself', async () => {
    await ana.type_at('Control+End', 'Ana here.');
    await ben.page.locator('.cm-peer-flag').waitFor({ state: 'attached' });
    const ana_name = await ana.page.evaluate(() => JSON.parse(localStorage.getItem('diaryx.person')).name);
    assert.equal(await ben.page.locator('.cm-peer-flag').innerText(), ana_name);
    assert.equal(await ben.page.locator('.others .avatar').count(), 1);
    await ben.type_at('Control+Home', 'Ben here. ');
    await eventually(async () => assert.match(await ana.text(), /^Ben here\. It rained/));
    await ana.page.locator('.cm-content').focus();
    // One step on a machine that types faster than the half second in which strokes are taken together; else several.
    while (!(await ana.text()).endsWith('🍅\n')) {
      const before = await ana.text();
      await ana.page.keyboard.press('Control+z');
      await eventually(async () => assert.notEqual(await ana.text(), before));
    }
    for (const person of [ana, ben]) {
      await eventually(async () => assert.equal(await person.text(), 'Ben here. It rained the whole morning.\n\nThe tomatoes liked it. 🍅\n'));
    }
    await ana.close();
    await ben.page.locator('.cm-peer-caret').waitFor({ state: 'detached' });
    await eventually(async () => assert.equal(await ben.page.locator('.others .avatar').count(), 0));
  });
});
