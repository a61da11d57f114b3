// Starts the real binary and a real browser, and says what a person would see.
//
//   DIARYX_SYNC   the binary (default: build/release/diaryx-sync)
//   CHROMIUM      the browser (default: /usr/bin/chromium)
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.DIARYX_SYNC ?? join(root, 'build', 'release', 'diaryx-sync');
const patience_ms = Number(process.env.PATIENCE_MS ?? 15_000);

const notes = {
  'README.md': `---
# The root. This comment stays.
title: Marta's notebook
contents:
  - "[Journal](/journal/journal.md)"
  - "[Ideas](/ideas/ideas.md)"
---
Everything starts here.
`,
  'journal/journal.md': `---
title: Journal
part_of: '[Marta''s notebook](/README.md)'
contents:
  - '[A rainy day](/journal/rain.md)'
---
`,
  'journal/rain.md': `---
title:   "A rainy day"
# Written by hand, on a train.
part_of: '[Journal](/journal/journal.md)'
tags: [weather,  "wet"]
mood:    grey
---
It rained the whole morning.

The tomatoes liked it. 🍅
`,
  'ideas/ideas.md': `---
title: Ideas
part_of: '[Marta''s notebook](/README.md)'
contents: []
---
`,
  'loose_thoughts.md': 'No header, and no index lists me.\n',
};

/** A folder of a few notes in a place of its own. `read` and `write` take paths inside it. */
export async function make_folder() {
  const path = await mkdtemp(join(tmpdir(), 'diaryx-browser-'));
  for (const [name, text] of Object.entries(notes)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return {
    path,
    original: (name) => notes[name],
    read: (name) => readFile(join(path, name), 'utf8'),
    write: (name, text) => writeFile(join(path, name), text),
    sed: (script, name) => {
      const { status, stderr } = spawnSync('sed', ['-i', script, join(path, name)], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`sed: ${stderr}`);
    },
    remove_store: () => rm(join(path, '.diaryx'), { recursive: true }),
    copy_to: (other) => cp(path, other, { recursive: true }),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** Runs a one-shot command and returns { status, stdout, stderr }. */
export function run(...args) {
  return spawnSync(binary, args, { encoding: 'utf8' });
}

/** Starts `serve` and waits until it is ready. `ready` is what it printed. */
export async function serve(folder, { port = 0, token } = {}) {
  const args = ['serve', folder.path, '--port', String(port), '--json', ...(token === undefined ? [] : ['--token', token])];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: String(error) }));
  });
  const too_late = setTimeout(() => {
    errors += `\nnot ready after ${patience_ms} ms`;
    child.kill('SIGKILL');
  }, patience_ms);
  const ready = await (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      if (event.event === 'ready') return event;
    }
    throw new Error(`serve ended before it was ready: ${JSON.stringify(await exited)} ${errors}`);
  })().finally(() => clearTimeout(too_late));
  child.stdout.resume();
  return {
    ready,
    /** Ends it as Ctrl-C would; it must end well. */
    stop: async () => {
      child.kill('SIGTERM');
      const end = await exited;
      if (end.code !== 0) throw new Error(`serve ended with ${JSON.stringify(end)}: ${errors}`);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export async function start_browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A page of a person of its own: no cookie or storage is shared with another. */
export async function open_page(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    // A server that is away, or refuses, is reported by the browser itself; everything else is ours.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection to|ERR_CONNECTION/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(url);
  return {
    page,
    complaints,
    close: () => context.close(),
    status: () => page.locator('.status-text').innerText(),
    /** The text of the note on the screen, without the others' cursors. */
    text: () =>
      page.locator('.cm-content').evaluate((content) => {
        const copy = content.cloneNode(true);
        for (const widget of copy.querySelectorAll('.cm-peer-caret, .cm-placeholder')) widget.remove();
        return [...copy.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n');
      }),
    /** Opens a note by its title, through the filter box. */
    open_note: async (title) => {
      await page.getByRole('searchbox', { name: 'Find a note' }).fill(title);
      await page.locator('.row', { hasText: title }).first().click();
      await page.getByRole('searchbox', { name: 'Find a note' }).fill('');
      await eventually(async () => equal(await page.getByRole('textbox', { name: 'Title' }).inputValue(), title));
      await page.locator('.cm-content').waitFor();
    },
    type_at: async (key, text) => {
      await page.locator('.cm-content').focus();
      await page.keyboard.press(key);
      await page.keyboard.type(text, { delay: 4 });
    },
  };
}

/** Tries until `check` does not throw, and returns what it returned. */
export async function eventually(check, ms = patience_ms) {
  for (const end = Date.now() + ms; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

function equal(actual, expected) {
  if (actual !== expected) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

export function header_of(text) {
  return /^---\n[\s\S]*?\n---\n/.exec(text)?.[0] ?? '';
}
