import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { Channel } from '../src/channel';
import { FakeServer } from './support';

let server: FakeServer;
let doc: Y.Doc;
let awareness: Awareness;
let channel: Channel;
let connected = true;

beforeEach(() => {
  server = new FakeServer();
  doc = new Y.Doc();
  awareness = new Awareness(doc);
  connected = true;
  channel = new Channel('body:w/a', doc, awareness, { send: (_id, payload) => connected && server.receive(payload), changed: () => {} });
});
afterEach(() => {
  channel.dispose();
  awareness.destroy();
});

const type = (text: string): void => doc.getText('body').insert(doc.getText('body').length, text);
const deliver = (): void => server.outbox.splice(0).forEach((payload) => channel.receive(payload));
const connect = (): void => {
  connected = true;
  channel.start();
  server.ask();
};
const disconnect = (): void => {
  connected = false;
  server.outbox.length = 0;
  channel.stop();
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('what was typed is waiting until the server answers a question that was asked after it', async () => {
  connect();
  deliver();
  assert.equal(channel.waiting, 0);
  type('a');
  type('b');
  assert.equal(channel.waiting, 2);
  assert.equal(server.count('update'), 2);
  await pause(300);
  assert.equal(channel.waiting, 2, 'the question is asked, but not answered');
  type('c');
  deliver();
  assert.equal(channel.waiting, 1, 'the answer is no receipt for what was typed after the question');
  await pause(300);
  deliver();
  assert.equal(channel.waiting, 0);
});

test('an answer from before the updates is no receipt', () => {
  connect();
  // The server answers our first question late, after something was typed and sent.
  const [answer, question] = server.outbox.splice(0) as [Uint8Array, Uint8Array];
  channel.receive(question);
  type('a');
  channel.receive(answer);
  assert.equal(channel.waiting, 1);
  assert.ok(channel.synced);
});

test('while nobody is there it waits, and all of it goes when the server asks', async () => {
  connect();
  deliver();
  disconnect();
  type('offline');
  assert.equal(channel.waiting, 1);
  assert.equal(server.count('update'), 0);
  connect();
  type('!');
  assert.equal(server.count('update'), 0, 'before the server has said what it has, nothing goes out on its own');
  deliver();
  assert.equal(server.doc.getText('body').toString(), 'offline!');
  assert.equal(channel.waiting, 2, 'the question went out before the answer did');
  await pause(300);
  deliver();
  assert.equal(channel.waiting, 0);
});

test('what was sent on a socket that broke is sent again', async () => {
  connect();
  deliver();
  type('a');
  server = new FakeServer();
  disconnect();
  assert.equal(channel.waiting, 1);
  connect();
  channel.receive(server.outbox.shift() as Uint8Array);
  assert.equal(channel.waiting, 1, 'the first answer on the new socket says nothing of what went into the old one');
  deliver();
  assert.equal(server.doc.getText('body').toString(), 'a');
  await pause(300);
  deliver();
  assert.equal(channel.waiting, 0);
});

test('after a refusal nothing counts as kept', async () => {
  connect();
  deliver();
  type('a');
  channel.refuse('read-only');
  channel.fence();
  deliver();
  assert.equal(channel.waiting, 1);
  assert.equal(channel.refused, 'read-only');
});

test('typing without a pause still asks now and then', async () => {
  connect();
  deliver();
  for (const end = Date.now() + 1_500; Date.now() < end; ) {
    type('x');
    await pause(50);
  }
  const questions = server.count('step1');
  assert.ok(questions >= 2 && questions <= 4, `${questions} questions in 1.5 s`);
});

test('presence: ours is said when the server listens, the others end with the socket', () => {
  awareness.setLocalState({ user: { name: 'Ana' } });
  assert.equal(server.count('awareness'), 0);
  connect();
  deliver();
  assert.equal(server.count('awareness'), 1);
  awareness.states.set(5, { user: { name: 'Ben' } });
  awareness.meta.set(5, { clock: 1, lastUpdated: Date.now() });
  disconnect();
  assert.deepEqual([...awareness.getStates().keys()], [doc.clientID]);
});

test('bytes that are no messages throw', () => {
  assert.throws(() => channel.receive(new Uint8Array([9])));
  assert.throws(() => channel.receive(new Uint8Array([0, 9, 0])));
  assert.throws(() => channel.receive(new Uint8Array([0, 1, 200, 1, 0])));
});
