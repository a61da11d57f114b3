// The bodies that are open: the note on the screen and a few that were there lately, so that going back is instant and keeps undo.
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import type { Channel } from './channel';
import type { Wire } from './wire';

const kept_open = 12;

export class Body {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText('body');
  readonly awareness = new Awareness(this.doc);
  readonly undo = new Y.UndoManager(this.text);
  readonly channel: Channel;
  selection = { anchor: 0, head: 0 };
  scroll_top = 0;

  constructor(
    readonly id: string,
    doc_id: string,
    wire: Wire,
  ) {
    this.awareness.setLocalState(null);
    this.channel = wire.open(doc_id, this.doc, this.awareness);
  }
}

export class Bodies {
  // Least recently shown first.
  private readonly open_bodies = new Map<string, Body>();

  constructor(
    private readonly wire: Wire,
    private readonly workspace_id: string,
  ) {}

  /** The body of the note `id`, and from now on the most recent one. `is_new`: the note was made here, so there is nothing to wait for. */
  open(id: string, is_new = false): Body {
    let body = this.open_bodies.get(id);
    if (body === undefined) body = new Body(id, `body:${this.workspace_id}/${id}`, this.wire);
    if (is_new) body.channel.synced = true;
    this.open_bodies.delete(id);
    this.open_bodies.set(id, body);
    this.close_old(id);
    return body;
  }

  all(): Body[] {
    return [...this.open_bodies.values()];
  }

  // What waits for a receipt stays open.
  private close_old(shown: string): void {
    for (const [id, body] of this.open_bodies) {
      if (this.open_bodies.size <= kept_open) return;
      if (id === shown || body.channel.waiting > 0) continue;
      this.open_bodies.delete(id);
      this.wire.leave(body.channel);
      body.undo.destroy();
      body.awareness.destroy();
      body.doc.destroy();
    }
  }
}
