// A workspace document as the server seeds it, and the other end of a channel.
import { webcrypto } from 'node:crypto';

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';

import { Workspace } from '../src/workspace';

// What every browser has, and node only from 20 on.
(globalThis as { crypto?: unknown }).crypto ??= webcrypto;

export interface Seed {
  path: string;
  title?: string;
  part_of?: string;
  contents?: string[];
  deleted?: boolean;
}

export function make_workspace(seeds: Record<string, Seed | string>): Workspace {
  const workspace = new Workspace();
  const files = workspace.doc.getMap('files');
  workspace.doc.transact(() => {
    for (const [id, seed] of Object.entries(seeds)) {
      if (typeof seed === 'string') {
        files.set(id, seed);
        continue;
      }
      const record = new Y.Map<unknown>();
      const { contents, ...rest } = seed;
      for (const [key, value] of Object.entries(rest)) record.set(key, value);
      if (contents !== undefined) record.set('contents', Y.Array.from(contents));
      files.set(id, record);
    }
  });
  return workspace;
}

/** A server of one document that does what it is told only when told: answers wait in `outbox` until deliver(). */
export class FakeServer {
  readonly doc = new Y.Doc();
  readonly received: { kind: 'step1' | 'step2' | 'update' | 'awareness'; bytes: Uint8Array }[] = [];
  readonly outbox: Uint8Array[] = [];

  receive(payload: Uint8Array): void {
    const input = decoding.createDecoder(payload);
    if (decoding.readVarUint(input) === 1) {
      this.received.push({ kind: 'awareness', bytes: decoding.readVarUint8Array(input) });
      return;
    }
    const kind = (['step1', 'step2', 'update'] as const)[decoding.readVarUint(input)];
    const bytes = decoding.readVarUint8Array(input);
    if (kind === undefined) throw new Error('no such sync message');
    this.received.push({ kind, bytes });
    if (kind === 'step1') this.outbox.push(sync_message(1, Y.encodeStateAsUpdate(this.doc, bytes)));
    else Y.applyUpdate(this.doc, bytes);
  }

  /** What a server says of itself when a document is opened. */
  ask(): void {
    this.outbox.push(sync_message(0, Y.encodeStateVector(this.doc)));
  }

  count(kind: 'step1' | 'step2' | 'update' | 'awareness'): number {
    return this.received.filter((message) => message.kind === kind).length;
  }
}

export function sync_message(kind: number, bytes: Uint8Array): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, 0);
  encoding.writeVarUint(out, kind);
  encoding.writeVarUint8Array(out, bytes);
  return encoding.toUint8Array(out);
}
