// A guest: comes by the link that `diaryx-sync share` printed, reads or writes as the share says, at once when that changes, and is gone when it ends.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { eventually, make_folder, open_page, run, serve, start_browser } from './support.mjs';

describe('a guest', () => {
  let browser, folder, server, owner, guest, share;
  before(async () => {
    browser = await start_browser();
    folder = await make_folder();
    server = await serve(folder);
    const made = run('share', '--read-only', '--json', '-C', folder.path);
    assert.equal(made.status, 0, made.stderr);
    share = JSON.parse(made.stdout);
    owner = await open_page(browser, server.ready.url);
    await owner.open_note('A rainy day');
    guest = await open_page(browser, share.url);
    await guest.open_note('A rainy day');
  });
  after(async () => {
    await browser.close();
    await server.stop();
    await folder.remove();
  });
  const change = (method, body) =>
    fetch(`http://127.0.0.1:${server.ready.port}/api/share/sessions/${share.code}`, {
      method,
      headers: { authorization: `Bearer ${server.ready.token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });

  it('reads along, and cannot write', async () => {
    assert.ok(!guest.page.url().includes(share.code), 'the code does not stay in the address');
    assert.equal(await guest.page.evaluate(() => document.cookie), '');
    await eventually(async () => assert.equal(await guest.status(), 'Read-only'));
    await owner.type_at('Control+Home', 'Seen by all. ');
    await eventually(async () => assert.match(await guest.text(), /^Seen by all\. It rained/));
    assert.equal(await guest.page.locator('.cm-content').getAttribute('contenteditable'), 'false');
    await guest.page.locator('.cm-content').click();
    await guest.page.keyboard.type('not mine');
    assert.doesNotMatch(await guest.text(), /not mine/);
  });

  it('stays a guest when the page is loaded again', async () => {
    await guest.page.reload();
    await eventually(async () => assert.equal(await guest.status(), 'Read-only'));
    await guest.open_note('A rainy day');
  });

  it('writes as soon as the owner allows it', async () => {
    assert.equal((await change('PATCH', { read_only: false })).status, 200);
    await eventually(async () => assert.equal(await guest.status(), 'Saved'));
    await guest.type_at('Control+End', ' So did the guest.');
    await eventually(async () => assert.match(await owner.text(), /So did the guest\.$/));
    await eventually(async () => assert.match(await folder.read('journal/rain.md'), /So did the guest\.\n?$/));
  });

  it('is told when the share ends, and the code opens nothing any more', async () => {
    assert.equal((await change('DELETE')).status, 204);
    await guest.page.getByText('The owner has ended this session.').waitFor();
    await eventually(async () => assert.match(await guest.status(), /^Not connected/));
    const late = await open_page(browser, share.url);
    await late.page.getByRole('heading', { name: 'This share is over' }).waitFor();
    assert.equal(await late.page.locator('.row').count(), 0);
    await late.page.screenshot({ path: process.env.SCREENSHOT_DIR === undefined ? undefined : `${process.env.SCREENSHOT_DIR}/over.png` });
    if (process.env.SCREENSHOT_DIR !== undefined) await guest.page.screenshot({ path: `${process.env.SCREENSHOT_DIR}/guest.png` });
    assert.equal(await owner.status(), 'Saved');
    assert.deepEqual([...owner.complaints, ...guest.complaints], []);
  });
});
