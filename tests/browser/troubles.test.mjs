// What goes wrong on the server's disk is said in the page, for as long as it lasts.
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { eventually, make_folder, open_page, serve, start_browser } from './support.mjs';

describe('a folder that is gone for a while', () => {
  let browser, folder, server, ana;
  before(async () => {
    browser = await start_browser();
    folder = await make_folder();
    server = await serve(folder);
    ana = await open_page(browser, server.ready.url);
    await ana.open_note('A rainy day');
  });
  after(async () => {
    await ana.close();
    await browser.close();
    await server.stop();
    await folder.remove();
  });

  it('is missed in the page, and back in it', async () => {
    await eventually(async () => assert.equal(await ana.status(), 'Saved'));
    await rename(folder.path, `${folder.path}-away`);
    await eventually(async () => assert.equal(await ana.status(), 'The folder of the notes is not there'), 15_000);
    await rename(`${folder.path}-away`, folder.path);
    await eventually(async () => assert.equal(await ana.status(), 'Saved'), 15_000);
    await ana.type_at('Control+End', 'It goes on.');
    await eventually(async () => assert.match(await folder.read('journal/rain.md'), /It goes on\.$/));
    assert.deepEqual(ana.complaints, []);
  });
});
