// One document on the wire: what the server has of ours, and what we have of the server's.
//
// A payload is one or more messages, each `varUint type` and then
//   0 sync        varUint 0 (step 1: state vector) | 1 (step 2: update) | 2 (update), then varBytes
//   1 awareness   varBytes
//   2 auth        varUint 0 and a varString reason (denied), or varUint 1
//   3 query awareness
//
// Yjs has no receipt. Ours is a fence: the server handles a socket's messages in order and answers a SyncStep1 only after what came before is
// durable, so the SyncStep2 that answers our SyncStep1 is the receipt of everything that we had sent before it.
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Awareness } from 'y-protocols/awareness';
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';

const enum Message {
  Sync = 0,
  Awareness = 1,
  Auth = 2,
  QueryAwareness = 3,
}
const enum Sync {
  Step1 = 0,
  Step2 = 1,
  Update = 2,
}

const fence_quiet_ms = 200;
const fence_latest_ms = 1_000;

function message(type: Message, write: (out: encoding.Encoder) => void): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, type);
  write(out);
  return encoding.toUint8Array(out);
}
function sync_message(kind: Sync, bytes: Uint8Array): Uint8Array {
  return message(Message.Sync, (out) => {
    encoding.writeVarUint(out, kind);
    encoding.writeVarUint8Array(out, bytes);
  });
}

export interface ChannelHost {
  /** Sends a frame on the current socket; does nothing without one. */
  send(doc_id: string, payload: Uint8Array): void;
  /** Something that the status shows has changed. */
  changed(channel: Channel): void;
}

export class Channel {
  /** A full answer of the server has been applied, on this socket or an earlier one. */
  synced = false;
  /** The server's SyncStep1 on this socket is answered: from now on updates go out one by one. */
  live = false;
  /** Why the server does not take our changes, if it said so on this socket. */
  refused: string | null = null;

  // Counts of local changes: made ≥ sent ≥ kept.
  private made = 0;
  private sent = 0;
  private kept = 0;
  private fences: { sent: number; at: number }[] = [];
  private fence_timer: ReturnType<typeof setTimeout> | undefined;
  private fence_wanted_since = 0;
  private started = false;
  private readonly synced_waiters: (() => void)[] = [];

  constructor(
    readonly doc_id: string,
    readonly doc: Y.Doc,
    readonly awareness: Awareness,
    private readonly host: ChannelHost,
  ) {
    doc.on('update', this.on_update);
    awareness.on('update', this.on_awareness);
  }

  /** Local changes of which we have no receipt. */
  get waiting(): number {
    return this.made - this.kept;
  }

  /** Something was changed here since the page began. */
  get edited(): boolean {
    return this.made > 0;
  }

  /** Milliseconds that the oldest unanswered fence has waited; 0 without one. */
  fence_age(now: number): number {
    const oldest = this.fences[0];
    return oldest === undefined ? 0 : now - oldest.at;
  }

  when_synced(): Promise<void> {
    return this.synced ? Promise.resolve() : new Promise((resolve) => this.synced_waiters.push(resolve));
  }

  /** A new socket is open: ask for what we lack. */
  start(): void {
    this.started = true;
    this.refused = null;
    this.fence();
  }

  /** The socket is gone. Everything stays; what was sent without a receipt counts as not sent. */
  stop(): void {
    clearTimeout(this.fence_timer);
    this.fence_timer = undefined;
    this.started = false;
    this.live = false;
    this.sent = this.kept;
    this.fences = [];
    const others = [...this.awareness.getStates().keys()].filter((client) => client !== this.doc.clientID);
    removeAwarenessStates(this.awareness, others, this);
  }

  /** Takes leave of the others. The document itself stays with the caller. */
  dispose(): void {
    this.awareness.setLocalState(null);
    this.stop();
    this.doc.off('update', this.on_update);
    this.awareness.off('update', this.on_awareness);
  }

  /** Asks for a receipt now instead of after a quiet moment. */
  fence(): void {
    clearTimeout(this.fence_timer);
    this.fence_timer = undefined;
    if (!this.started) return;
    this.fences.push({ sent: this.sent, at: Date.now() });
    this.host.send(this.doc_id, sync_message(Sync.Step1, Y.encodeStateVector(this.doc)));
  }

  refuse(reason: string): void {
    this.refused = reason;
    this.host.changed(this);
  }

  /** The whole state, as the handshake's `crdt_state` carries it. */
  apply_state(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, this);
  }

  /** Throws on bytes that are no messages. */
  receive(payload: Uint8Array): void {
    const input = decoding.createDecoder(payload);
    while (decoding.hasContent(input)) {
      switch (decoding.readVarUint(input)) {
        case Message.Sync:
          this.receive_sync(decoding.readVarUint(input), decoding.readVarUint8Array(input));
          break;
        case Message.Awareness:
          applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(input), this);
          break;
        case Message.Auth:
          if (decoding.readVarUint(input) === 0) this.refuse(decoding.readVarString(input));
          break;
        case Message.QueryAwareness:
          this.send_awareness([this.doc.clientID]);
          break;
        default:
          throw new Error('unknown message type');
      }
    }
  }

  private receive_sync(kind: number, bytes: Uint8Array): void {
    switch (kind) {
      case Sync.Step1:
        this.host.send(this.doc_id, sync_message(Sync.Step2, Y.encodeStateAsUpdate(this.doc, bytes)));
        this.sent = this.made;
        if (!this.live) {
          this.live = true;
          if (this.awareness.getLocalState() !== null) this.send_awareness([this.doc.clientID]);
        }
        this.want_fence();
        this.host.changed(this);
        return;
      case Sync.Step2:
        Y.applyUpdate(this.doc, bytes, this);
        this.take_receipt();
        return;
      case Sync.Update:
        Y.applyUpdate(this.doc, bytes, this);
        return;
      default:
        throw new Error(`unknown sync message ${kind}`);
    }
  }

  private take_receipt(): void {
    const fence = this.fences.shift();
    // After a refusal an answer is a receipt for nothing.
    if (fence !== undefined && this.refused === null) this.kept = Math.max(this.kept, fence.sent);
    if (!this.synced) {
      this.synced = true;
      for (const waiter of this.synced_waiters.splice(0)) waiter();
    }
    this.want_fence();
    this.host.changed(this);
  }

  // One fence at a time; its answer asks for the next if there is more.
  private want_fence(): void {
    if (!this.live || this.refused !== null || this.fences.length > 0 || this.sent === this.kept) return;
    const now = Date.now();
    if (this.fence_timer === undefined) this.fence_wanted_since = now;
    clearTimeout(this.fence_timer);
    const latest = this.fence_wanted_since + fence_latest_ms - now;
    this.fence_timer = setTimeout(() => this.fence(), Math.max(0, Math.min(fence_quiet_ms, latest)));
  }

  private readonly on_update = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    this.made++;
    if (this.live) {
      this.host.send(this.doc_id, sync_message(Sync.Update, update));
      this.sent = this.made;
      this.want_fence();
    }
    this.host.changed(this);
  };

  private readonly on_awareness = (change: { added: number[]; updated: number[]; removed: number[] }, origin: unknown): void => {
    if (origin === this || !this.live) return;
    const own = [...change.added, ...change.updated, ...change.removed].filter((client) => client === this.doc.clientID);
    if (own.length > 0) this.send_awareness(own);
  };

  private send_awareness(clients: number[]): void {
    this.host.send(
      this.doc_id,
      message(Message.Awareness, (out) => encoding.writeVarUint8Array(out, encodeAwarenessUpdate(this.awareness, clients))),
    );
  }
}
