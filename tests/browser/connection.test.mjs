// Who gets in, and what happens to what was typed when the server goes away, comes back, or comes back as another.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { eventually, header_of, make_folder, open_page, serve, start_browser } from './support.mjs';

const token = 'a-secret-that-only-this-test-knows-0123456789';

describe('the door', () => {
  let browser, folder, server;
  before(async () => {
    browser = await start_browser();
    folder = await make_folder();
    server = await serve(folder);
  });
  after(async () => {
    await browser.close();
    await server.stop();
    await folder.remove();
  });

  it('stays shut without the secret, and says what to do', async () => {
    const stranger = await open_page(browser, `http://127.0.0.1:${server.ready.port}/`);
    await stranger.page.getByRole('heading', { name: 'Open the address that diaryx-sync printed' }).waitFor();
    assert.equal(await stranger.page.locator('.row').count(), 0);
    await stranger.close();
  });

  it('stays shut with a wrong secret', async () => {
    const stranger = await open_page(browser, `http://127.0.0.1:${server.ready.port}/#token=wrong-secret`);
    await stranger.page.getByRole('heading', { name: 'Open the address that diaryx-sync printed' }).waitFor();
    assert.ok(!stranger.page.url().includes('wrong-secret'), 'even a wrong secret does not stay in the address');
    await stranger.close();
  });

  it('takes the secret out of the address, the history and the reach of scripts', async () => {
    const ana = await open_page(browser, server.ready.url);
    await ana.page.locator('.cm-content').waitFor();
    assert.ok(!ana.page.url().includes(server.ready.token));
    assert.equal(await ana.page.evaluate(() => document.cookie), '');
    const stored = await ana.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.ok(!stored.includes(server.ready.token));
    await ana.page.reload();
    await ana.page.locator('.cm-content').waitFor();
    await ana.page.goBack();
    assert.ok(!ana.page.url().includes(server.ready.token));
    await ana.close();
  });
});

describe('a server that goes away', () => {
  let browser, folder, server, ana;
  before(async () => (browser = await start_browser()));
  after(() => browser.close());
  beforeEach(async () => {
    folder = await make_folder();
    server = await serve(folder, { token });
    ana = await open_page(browser, server.ready.url);
    await ana.open_note('A rainy day');
  });
  afterEach(async () => {
    await ana.close();
    await server.kill();
    await folder.remove();
  });
  // A cookie ends with the server that gave it: the person opens the address again, in the same tab. That does not load the page anew.
  const restart = async () => {
    server = await serve(folder, { port: server.ready.port, token });
    if (!ana.page.isClosed()) await ana.page.goto(server.ready.url);
  };

  it('loses nothing that was typed meanwhile, in the page or on disk', async () => {
    await server.stop();
    await eventually(async () => assert.match(await ana.status(), /^(Offline|Connecting…)$/));
    await ana.type_at('Control+End', 'Typed without a server.');
    await eventually(async () => assert.match(await ana.status(), /2\d changes wait$/));
    folder.sed('s/rained/snowed/', 'journal/rain.md');
    await restart();
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
    const expected = 'It snowed the whole morning.\n\nThe tomatoes liked it. 🍅\nTyped without a server.';
    await eventually(async () => assert.equal(await ana.text(), expected));
    await eventually(async () => assert.equal(await folder.read('journal/rain.md'), header_of(folder.original('journal/rain.md')) + expected));
    assert.deepEqual(ana.complaints, []);
  });

  it('keeps what it called saved, even when it is killed in the same moment', async () => {
    await ana.type_at('Control+End', 'This is said to be saved.');
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
    await server.kill();
    await ana.close();
    await restart();
    const ben = await open_page(browser, server.ready.url);
    await ben.open_note('A rainy day');
    await eventually(async () => assert.match(await ben.text(), /This is said to be saved\.$/));
    await ben.close();
  });

  it('makes a note while away, with its text', async () => {
    await server.stop();
    await eventually(async () => assert.match(await ana.status(), /^(Offline|Connecting…)/));
    await ana.page.getByRole('button', { name: 'New note', exact: true }).click();
    await ana.page.getByRole('textbox', { name: 'Title' }).last().fill('Alone');
    await ana.page.getByRole('button', { name: 'Create' }).click();
    await ana.page.locator('.row[aria-selected=true]', { hasText: 'Alone' }).waitFor();
    await ana.page.keyboard.type('Nobody hears me.');
    await restart();
    await eventually(async () => assert.match(await folder.read('journal/alone.md'), /title: Alone[\s\S]*Nobody hears me\.$/));
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
  });

  it('merges nothing into a workspace that was rebuilt, and hands the old text over', async () => {
    await server.stop();
    await eventually(async () => assert.match(await ana.status(), /^(Offline|Connecting…)/));
    await ana.type_at('Control+End', 'From before.');
    await folder.remove_store();
    await folder.write('journal/rain.md', folder.original('journal/rain.md').replace('rained', 'snowed'));
    await restart();
    const button = ana.page.getByRole('button', { name: 'Download rain.md' });
    await button.waitFor();
    const [download] = await Promise.all([ana.page.waitForEvent('download'), button.click()]);
    assert.match(await readFile(await download.path(), 'utf8'), /^It rained[\s\S]*From before\.$/);
    await ana.open_note('A rainy day');
    await eventually(async () => assert.equal(await ana.text(), 'It snowed the whole morning.\n\nThe tomatoes liked it. 🍅\n'));
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
    assert.doesNotMatch(await folder.read('journal/rain.md'), /From before/);
  });
});
