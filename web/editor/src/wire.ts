// One WebSocket to /sync2 that carries every open document, and comes back by itself.
//
//   frame := n:u8  doc_id:utf8[n]  payload       (payload: channel.ts)
//
// Text frames are JSON control messages. Order on a new socket: the workspace document speaks first, answers the Files-Ready handshake if the server
// asks for it, and only when the server has our part of it do the bodies follow; so the record of a new note always arrives before its body.
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';

import { Channel } from './channel';
import type { ServerStatus } from './session';
import { ShareEnded, SignedOut } from './session';

/** Close codes of the server's own: 44xx as HTTP's 4xx. */
export const enum Close {
  Malformed = 4400,
  NotAuthenticated = 4401,
  NotAllowed = 4403,
  NoSuchWorkspace = 4404,
  TooSlow = 4408,
  OtherEpoch = 4409,
  TooLarge = 4413,
  TooMany = 4429,
}

export type WireState =
  | { kind: 'connecting' }
  | { kind: 'online' }
  /** Will try again at `retry_at` (ms since 1970). */
  | { kind: 'offline'; retry_at: number; reason: string }
  /** Given up: only the person can help. */
  | { kind: 'stopped'; reason: string };

/** What the control messages say, as far as the editor cares. */
export type ControlMessage =
  | { type: 'focus_list_changed'; files: string[] }
  | { type: 'read_only_changed'; read_only: boolean }
  | { type: 'session_ended' }
  | { type: 'error'; code: string; doc: string | null; message: string };

export interface WireEvents {
  state_changed(): void;
  channel_changed(channel: Channel): void;
  control(message: ControlMessage): void;
  signed_out(): void;
  /** The server holds another epoch than the one that our documents come from. The wire has stopped. */
  other_epoch(): void;
}

const first_retry_ms = 300;
const longest_retry_ms = 15_000;
const busy_retry_ms = 5_000;
const answer_timeout_ms = 15_000;
const heartbeat_ms = 20_000;
const steady_ms = 5_000;

export class Wire {
  state: WireState = { kind: 'connecting' };
  private readonly channels = new Map<string, Channel>();
  private readonly workspace_doc_id: string;
  private socket: WebSocket | null = null;
  private retry_timer: ReturnType<typeof setTimeout> | undefined;
  private watch_timer: ReturnType<typeof setInterval> | undefined;
  private failures = 0;
  private opened_at = 0;
  private heard_at = 0;
  private disposed = false;
  private attempting = false;

  /** `check` asks the server who it is; it may throw SignedOut. `epoch` is the one that all documents given to open() come from. */
  constructor(
    private readonly identity: ServerStatus,
    private readonly check: () => Promise<ServerStatus>,
    private readonly events: WireEvents,
  ) {
    this.workspace_doc_id = `workspace:${identity.workspace_id}`;
    window.addEventListener('online', this.on_hint);
    document.addEventListener('visibilitychange', this.on_hint);
  }

  /** All local changes without a receipt. */
  get waiting(): number {
    let sum = 0;
    for (const channel of this.channels.values()) sum += channel.waiting;
    return sum;
  }

  get refusals(): Channel[] {
    return [...this.channels.values()].filter((channel) => channel.refused !== null);
  }

  open(doc_id: string, doc: Y.Doc, awareness: Awareness): Channel {
    const channel = new Channel(doc_id, doc, awareness, {
      send: (id, payload) => this.send(id, payload),
      changed: (changed) => this.on_channel(changed),
    });
    this.channels.set(doc_id, channel);
    if (this.socket?.readyState === WebSocket.OPEN && (doc_id === this.workspace_doc_id || this.workspace_live())) channel.start();
    return channel;
  }

  /** Leaves the document. The caller has seen to it that nothing of it waits. */
  leave(channel: Channel): void {
    channel.dispose();
    this.channels.delete(channel.doc_id);
    this.send_text({ action: 'leave', doc: channel.doc_id });
  }

  connect(): void {
    this.retry_now();
  }

  retry_now(): void {
    clearTimeout(this.retry_timer);
    if (this.disposed || this.attempting || this.socket !== null) return;
    void this.attempt();
  }

  /** Asks for receipts at once. */
  flush(): void {
    for (const channel of this.channels.values()) if (channel.waiting > 0 && channel.live) channel.fence();
  }

  /** Says good-bye to the others and closes. Documents stay as they are. */
  dispose(): void {
    this.disposed = true;
    clearTimeout(this.retry_timer);
    clearInterval(this.watch_timer);
    window.removeEventListener('online', this.on_hint);
    document.removeEventListener('visibilitychange', this.on_hint);
    for (const channel of this.channels.values()) channel.dispose();
    this.socket?.close(1000);
    this.socket = null;
  }

  private async attempt(): Promise<void> {
    this.attempting = true;
    this.set_state({ kind: 'connecting' });
    try {
      // The upgrade of a WebSocket hides its HTTP status from a page, so the question who we are goes first.
      const status = await this.check();
      if (this.disposed) return;
      if (status.epoch !== this.identity.epoch || status.workspace_id !== this.identity.workspace_id) return this.stop_for_epoch();
      this.open_socket();
    } catch (error) {
      if (this.disposed) return;
      if (error instanceof SignedOut) this.stop_signed_out();
      else if (error instanceof ShareEnded) this.stop_share_ended();
      else this.retry_later(error instanceof Error ? error.message : String(error));
    } finally {
      this.attempting = false;
    }
  }

  private open_socket(): void {
    const url = new URL('sync2', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    url.searchParams.set('epoch', this.identity.epoch);
    if (this.identity.guest !== undefined) {
      url.searchParams.set('session', this.identity.guest.code);
      url.searchParams.set('guest_id', this.identity.guest.id);
    }
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.opened_at = this.heard_at = Date.now();
    socket.onopen = () => {
      this.heard_at = Date.now();
      this.channels.get(this.workspace_doc_id)?.start();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (this.socket !== socket) return;
      this.heard_at = Date.now();
      if (typeof event.data === 'string') this.receive_text(event.data);
      else this.receive_frame(new Uint8Array(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.on_close(event.code, event.reason);
    };
    clearInterval(this.watch_timer);
    this.watch_timer = setInterval(() => this.watch(), 5_000);
  }

  private on_close(code: number, reason: string): void {
    this.socket = null;
    clearInterval(this.watch_timer);
    for (const channel of this.channels.values()) channel.stop();
    if (this.disposed) return;
    if (Date.now() - this.opened_at > steady_ms) this.failures = 0;
    switch (code) {
      case Close.NotAuthenticated:
        return this.identity.guest !== undefined ? this.stop_share_ended() : this.stop_signed_out();
      case Close.NotAllowed:
        if (reason === 'session_ended') return this.stop_share_ended();
        return this.set_state({ kind: 'stopped', reason: reason || 'the server does not let you in' });
      case Close.OtherEpoch:
      case Close.NoSuchWorkspace:
        // The question that goes before the next socket finds the other epoch, and stops us there.
        return this.retry_later(reason || 'the workspace was rebuilt');
      case Close.TooLarge:
        // The same change would be sent and refused again at once.
        this.failures = Math.max(this.failures, 6);
        return this.retry_later(reason || 'a change is too large for the server');
      case Close.TooMany:
        return this.retry_later(reason || 'too many connections', busy_retry_ms);
      case Close.Malformed:
      case Close.TooSlow:
      default:
        return this.retry_later(reason || 'the connection was lost');
    }
  }

  // Doubling, with full jitter above the floor, so that many pages do not come back in step.
  private retry_later(reason: string, floor_ms = first_retry_ms): void {
    const ceiling = Math.min(longest_retry_ms, Math.max(floor_ms, first_retry_ms * 2 ** this.failures));
    this.failures++;
    const wait = floor_ms + Math.random() * (ceiling - floor_ms);
    clearTimeout(this.retry_timer);
    this.retry_timer = setTimeout(() => void this.attempt(), wait);
    this.set_state({ kind: 'offline', retry_at: Date.now() + wait, reason });
  }

  private stop_signed_out(): void {
    this.set_state({ kind: 'stopped', reason: 'signed out' });
    this.events.signed_out();
  }

  private stop_share_ended(): void {
    this.set_state({ kind: 'stopped', reason: 'the owner has ended this share' });
    this.events.control({ type: 'session_ended' });
  }

  private stop_for_epoch(): void {
    this.set_state({ kind: 'stopped', reason: 'the workspace was rebuilt' });
    this.events.other_epoch();
  }

  private receive_frame(frame: Uint8Array): void {
    try {
      const length = frame[0];
      if (length === undefined || frame.length < 1 + length) throw new Error('short frame');
      const doc_id = new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(1, 1 + length));
      // A frame for a document that we just left is no error.
      this.channels.get(doc_id)?.receive(frame.subarray(1 + length));
    } catch (error) {
      console.error('diaryx-sync: a frame that cannot be read', error);
      this.socket?.close(Close.Malformed, 'unreadable frame');
    }
  }

  private receive_text(text: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    switch (message['type']) {
      case 'file_manifest':
        if (typeof message['epoch'] === 'string' && message['epoch'] !== this.identity.epoch) {
          this.socket?.close(1000);
          this.socket = null;
          for (const channel of this.channels.values()) channel.stop();
          this.stop_for_epoch();
        } else {
          this.send_text({ type: 'FilesReady' });
        }
        return;
      case 'crdt_state':
        if (typeof message['state'] === 'string') this.receive_state(message['state']);
        return;
      case 'session_joined':
        this.events.control({ type: 'read_only_changed', read_only: message['readOnly'] === true });
        return;
      case 'read_only_changed':
        this.events.control({ type: 'read_only_changed', read_only: message['read_only'] === true });
        return;
      case 'focus_list_changed':
        if (Array.isArray(message['files'])) {
          this.events.control({ type: 'focus_list_changed', files: message['files'].filter((file) => typeof file === 'string') });
        }
        return;
      case 'error':
        this.receive_error(message);
        return;
      default:
        // sync_complete, sync_progress, peer_joined, peer_left: the documents and their awareness say it better.
        return;
    }
  }

  private receive_state(base64: string): void {
    try {
      const state = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      this.channels.get(this.workspace_doc_id)?.apply_state(state);
    } catch (error) {
      console.error('diaryx-sync: a state that cannot be read', error);
      this.socket?.close(Close.Malformed, 'unreadable state');
    }
  }

  private receive_error(message: Record<string, unknown>): void {
    const doc = typeof message['doc'] === 'string' ? message['doc'] : null;
    const text = typeof message['message'] === 'string' ? message['message'] : 'the server refused a change';
    const code = typeof message['code'] === 'string' || typeof message['code'] === 'number' ? String(message['code']) : '';
    const channel = doc === null ? undefined : this.channels.get(doc);
    if (code === 'read_only') {
      this.events.control({ type: 'read_only_changed', read_only: true });
      // A reader's answer to the server's question looks like an attempt to write. Only one who did write needs to hear of it.
      if (channel?.edited !== true) return;
    }
    channel?.refuse(text);
    this.events.control({ type: 'error', code, doc, message: text });
  }

  private on_channel(channel: Channel): void {
    if (channel.doc_id === this.workspace_doc_id && channel.live && this.state.kind === 'connecting') {
      for (const other of this.channels.values()) if (other !== channel) other.start();
      this.set_state({ kind: 'online' });
    }
    this.events.channel_changed(channel);
  }

  private workspace_live(): boolean {
    return this.channels.get(this.workspace_doc_id)?.live === true;
  }

  // A socket can be dead without a word: a fence without answer, or a long silence, tells.
  private watch(): void {
    const socket = this.socket;
    if (socket === null) return;
    const now = Date.now();
    let oldest = this.state.kind === 'online' ? 0 : now - this.opened_at;
    for (const channel of this.channels.values()) oldest = Math.max(oldest, channel.fence_age(now));
    if (oldest > answer_timeout_ms && now - this.heard_at > answer_timeout_ms) {
      socket.close(1000);
      this.on_close(1006, 'the server does not answer');
    } else if (this.state.kind === 'online' && now - this.heard_at > heartbeat_ms) {
      this.channels.get(this.workspace_doc_id)?.fence();
    }
  }

  private readonly on_hint = (): void => {
    if (document.visibilityState === 'visible' && this.state.kind === 'offline') this.retry_now();
  };

  private set_state(state: WireState): void {
    this.state = state;
    this.events.state_changed();
  }

  private send(doc_id: string, payload: Uint8Array): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const id = new TextEncoder().encode(doc_id);
    if (id.length > 255) throw new Error(`document id of ${id.length} octets has no frame`);
    const frame = new Uint8Array(1 + id.length + payload.length);
    frame[0] = id.length;
    frame.set(id, 1);
    frame.set(payload, 1 + id.length);
    this.socket.send(frame);
  }

  private send_text(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
