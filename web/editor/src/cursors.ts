// The others' cursors and selections in the text, and ours for them. Same awareness fields as y-codemirror.next's own plug-in, which we do not use because
// it sets style attributes that a strict Content-Security-Policy forbids.
import type { Extension, Range } from '@codemirror/state';
import { Annotation } from '@codemirror/state';
import type { DecorationSet, ViewUpdate } from '@codemirror/view';
import { Decoration, EditorView, ViewPlugin, WidgetType } from '@codemirror/view';
import type { YSyncConfig } from 'y-codemirror.next';
import { ySyncFacet } from 'y-codemirror.next';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { h } from './dom';
import type { Peer } from './presence';
import { read_peer } from './presence';

const publish_every_ms = 60;
const peers_moved = Annotation.define<true>();

interface Cursor {
  anchor: unknown;
  head: unknown;
}

class Caret extends WidgetType {
  constructor(
    private readonly peer: Peer,
    private readonly moves: number,
  ) {
    super();
  }
  // A new element for each move, so that the flag shows again and then fades.
  override eq(other: Caret): boolean {
    return other.peer.client === this.peer.client && other.moves === this.moves && other.peer.name === this.peer.name && other.peer.color === this.peer.color;
  }
  override toDOM(): HTMLElement {
    const caret = h('span', { class: 'cm-peer-caret' }, '\u2060', h('span', { class: 'cm-peer-flag', text: this.peer.name }), '\u2060');
    caret.style.setProperty('--peer', this.peer.color);
    return caret;
  }
  override get estimatedHeight(): number {
    return -1;
  }
  override ignoreEvent(): boolean {
    return true;
  }
}

class Cursors {
  decorations: DecorationSet = Decoration.none;
  private readonly conf: YSyncConfig;
  private readonly moves = new Map<number, { cursor: string; count: number }>();
  private publish_timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: EditorView,
    private readonly awareness: Awareness,
  ) {
    this.conf = view.state.facet(ySyncFacet);
    this.awareness.on('change', this.on_awareness);
    this.decorations = this.draw(view.state.doc.length);
  }

  update(update: ViewUpdate): void {
    if (update.selectionSet || update.focusChanged || update.docChanged) this.publish_soon();
    if (update.docChanged || update.transactions.some((transaction) => transaction.annotation(peers_moved) === true)) {
      this.decorations = this.draw(update.state.doc.length);
    }
  }

  destroy(): void {
    clearTimeout(this.publish_timer);
    this.awareness.off('change', this.on_awareness);
  }

  private readonly on_awareness = (change: { added: number[]; updated: number[]; removed: number[] }): void => {
    const others = [...change.added, ...change.updated, ...change.removed].some((client) => client !== this.awareness.doc.clientID);
    if (others) this.view.dispatch({ annotations: [peers_moved.of(true)] });
  };

  private publish_soon(): void {
    this.publish_timer ??= setTimeout(() => {
      this.publish_timer = undefined;
      this.publish();
    }, publish_every_ms);
  }

  // A window that lost the focus keeps its cursor where it was.
  private publish(): void {
    const state = this.awareness.getLocalState();
    if (state === null || !this.view.hasFocus) return;
    const range = this.view.state.selection.main;
    const cursor = { anchor: this.conf.toYPos(range.anchor), head: this.conf.toYPos(range.head) };
    if (JSON.stringify(state['cursor']) !== JSON.stringify(cursor)) this.awareness.setLocalStateField('cursor', cursor);
  }

  private draw(length: number): DecorationSet {
    const ranges: Range<Decoration>[] = [];
    for (const [client, state] of this.awareness.getStates()) {
      const cursor = state['cursor'] as Cursor | null | undefined;
      if (client === this.awareness.doc.clientID || typeof cursor !== 'object' || cursor === null) continue;
      const anchor = this.index_of(cursor.anchor, length);
      const head = this.index_of(cursor.head, length);
      if (anchor === null || head === null) continue;
      const peer = read_peer(client, state);
      if (anchor !== head) {
        const mark = Decoration.mark({ class: 'cm-peer-selection', attributes: { style: `--peer: ${peer.color}` } });
        ranges.push(mark.range(Math.min(anchor, head), Math.max(anchor, head)));
      }
      const caret = new Caret(peer, this.count_moves(client, cursor));
      ranges.push(Decoration.widget({ widget: caret, side: head > anchor ? -1 : 1 }).range(head));
    }
    return Decoration.set(ranges, true);
  }

  private count_moves(client: number, cursor: Cursor): number {
    const text = JSON.stringify(cursor);
    const known = this.moves.get(client);
    const count = known === undefined ? 0 : known.cursor === text ? known.count : known.count + 1;
    this.moves.set(client, { cursor: text, count });
    return count;
  }

  // Null for a position that is not in this text. A peer may send anything.
  private index_of(position: unknown, length: number): number | null {
    try {
      const relative = Y.createRelativePositionFromJSON(position);
      const absolute = Y.createAbsolutePositionFromRelativePosition(relative, this.conf.ytext.doc as Y.Doc);
      return absolute === null || absolute.type !== this.conf.ytext ? null : Math.min(absolute.index, length);
    } catch {
      return null;
    }
  }
}

const theme = EditorView.baseTheme({
  '.cm-peer-selection': { backgroundColor: 'color-mix(in srgb, var(--peer) 24%, transparent)' },
  '.cm-peer-caret': {
    position: 'relative',
    borderLeft: '2px solid var(--peer)',
    marginLeft: '-1px',
    marginRight: '-1px',
    pointerEvents: 'none',
  },
  '.cm-peer-flag': {
    position: 'absolute',
    bottom: '100%',
    left: '-2px',
    padding: '0 0.4em',
    borderRadius: '3px 3px 3px 0',
    background: 'var(--peer)',
    color: '#fff',
    font: '600 11px/1.5 var(--ui-font)',
    fontStyle: 'normal',
    whiteSpace: 'nowrap',
    userSelect: 'none',
    zIndex: 20,
    animation: 'cm-peer-flag-fade 0.4s ease-in 2.6s forwards',
  },
  '@keyframes cm-peer-flag-fade': { to: { opacity: 0 } },
});

/** For a view that yCollab has bound to a text of the same document as `awareness`. */
export function cursors(awareness: Awareness): Extension {
  return [ViewPlugin.define((view) => new Cursors(view, awareness), { decorations: (plugin) => plugin.decorations }), theme];
}
