// The left side: the notes as a tree, and a box that filters them. One flat list of rows; depth is indentation, so that only what is open costs anything.
import { h, icon, set_attr, set_text } from './dom';
import type { Branch } from './outline';
import { build_outline, search_notes } from './outline';
import type { Peer } from './presence';
import { title_of } from './record';
import type { Workspace } from './workspace';

export interface TreeEvents {
  /** `to_write`: the person wants the cursor in the text at once. */
  open(id: string, to_write: boolean): void;
  create_in(id: string): void;
}

interface Row {
  key: string;
  kind: Branch['kind'];
  label: string;
  hint: string;
  id: string | null;
  depth: number;
  /** Null: nothing below. */
  expanded: boolean | null;
  is_index: boolean;
}

interface RowElement {
  row: Row;
  /** All that the element shows of the row, as one text: the same text, nothing to do. */
  shown: string;
  element: HTMLElement;
  label: HTMLElement;
  hint: HTMLElement;
  dots: HTMLElement;
  twisty: HTMLElement;
  add: HTMLButtonElement;
}

const most_found = 200;
const most_dots = 3;

export class TreeView {
  readonly element: HTMLElement;
  private readonly filter: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly note: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly rows = new Map<string, RowElement>();
  private order: string[] = [];
  private expanded: Set<string>;
  private readonly storage_key: string;
  private outline: Branch[] = [];
  private current: string | null = null;
  private focused_key: string | null = null;
  private peers = new Map<string, Peer[]>();
  private elsewhere = new Set<string>();

  constructor(
    private readonly workspace: Workspace,
    workspace_id: string,
    private readonly events: TreeEvents,
  ) {
    this.storage_key = `diaryx.expanded.${workspace_id}`;
    this.expanded = load_set(this.storage_key);
    this.filter = h('input', {
      class: 'filter',
      attrs: { type: 'search', placeholder: 'Find a note', 'aria-label': 'Find a note', 'aria-keyshortcuts': 'Control+K Meta+K', autocomplete: 'off', spellcheck: 'false' },
      on: { input: () => this.on_filter_input(), keydown: (event) => this.on_filter_key(event) },
    });
    this.list = h('div', {
      class: 'tree',
      attrs: { role: 'tree', 'aria-label': 'Notes' },
      on: { click: (event) => this.on_click(event), keydown: (event) => this.on_key(event), focusin: (event) => this.on_focus(event) },
    });
    this.note = h('p', { class: 'tree-note' });
    this.scroller = h('div', { class: 'tree-scroll' }, this.list, this.note);
    const shortcut = h('kbd', { class: 'filter-key', text: /Mac|iP/.test(navigator.platform) ? '⌘K' : 'Ctrl K', attrs: { 'aria-hidden': true } });
    this.element = h('div', { class: 'tree-pane' }, h('div', { class: 'filter-box' }, this.filter, shortcut), this.scroller);
  }

  focus_filter(): void {
    this.filter.focus();
    this.filter.select();
  }

  /** The records have changed. */
  refresh(): void {
    this.outline = build_outline(this.workspace);
    this.render();
  }

  /** Highlights the note, and opens the way to it. */
  show_current(id: string | null): void {
    if (id === this.current) return;
    this.current = id;
    if (id !== null) this.reveal(id);
    this.render();
    for (const row of this.rows.values()) {
      if (row.row.id === id) return row.element.scrollIntoView({ block: 'nearest' });
    }
  }

  show_peers(peers: Peer[]): void {
    this.peers = new Map();
    for (const peer of peers) if (peer.note !== null) this.peers.set(peer.note, [...(this.peers.get(peer.note) ?? []), peer]);
    this.update_dots();
  }

  /** Paths that some other program has in focus. */
  show_focus(paths: string[]): void {
    this.elsewhere = new Set(paths);
    this.update_dots();
  }

  private get query(): string {
    return this.filter.value.trim();
  }

  private is_expanded(branch: Branch, depth: number): boolean {
    const flipped = this.expanded.has(branch.key);
    // The first level is open until it is closed; everything else is closed until it is opened.
    return depth === 0 && branch.kind !== 'group' ? !flipped : flipped;
  }

  private toggle(key: string): void {
    if (!this.expanded.delete(key)) this.expanded.add(key);
    save_set(this.storage_key, this.expanded);
    this.render();
  }

  private reveal(id: string): void {
    const way: { branch: Branch; depth: number }[] = [];
    const find = (branches: Branch[], depth: number): boolean =>
      branches.some((branch) => {
        if (branch.id === id) return true;
        if (!find(branch.children, depth + 1)) return false;
        way.push({ branch, depth });
        return true;
      });
    find(this.outline, 0);
    for (const { branch, depth } of way) {
      if (this.is_expanded(branch, depth)) continue;
      if (!this.expanded.delete(branch.key)) this.expanded.add(branch.key);
    }
    save_set(this.storage_key, this.expanded);
  }

  private visible_rows(): Row[] {
    const rows: Row[] = [];
    if (this.query !== '') {
      for (const record of search_notes(this.workspace, this.query).slice(0, most_found)) {
        const hint = this.workspace.path_of(record);
        rows.push({ key: `found:${record.id}`, kind: 'note', label: title_of(record), hint, id: record.id, depth: 0, expanded: null, is_index: false });
      }
      return rows;
    }
    const walk = (branches: Branch[], depth: number): void => {
      for (const branch of branches) {
        const expanded = branch.children.length === 0 ? null : this.is_expanded(branch, depth);
        const is_index = branch.id !== null && this.workspace.live(branch.id)?.contents != null;
        rows.push({ key: branch.key, kind: branch.kind, label: branch.label, hint: branch.hint, id: branch.id, depth, expanded, is_index });
        if (expanded === true) walk(branch.children, depth + 1);
      }
    };
    walk(this.outline, 0);
    return rows;
  }

  private render(): void {
    const rows = this.visible_rows();
    const found = this.query !== '';
    this.element.classList.toggle('is-filtered', found);
    const before = this.order;
    this.order = rows.map((row) => row.key);
    const wanted = new Set(this.order);
    for (const key of before) {
      if (wanted.has(key)) continue;
      this.rows.get(key)?.element.remove();
      this.rows.delete(key);
    }
    let next = this.list.firstElementChild;
    for (const row of rows) {
      const known = this.rows.get(row.key) ?? this.make_row(row);
      this.rows.set(row.key, known);
      this.update_row(known, row, found);
      if (known.element === next) next = next.nextElementSibling;
      else this.list.insertBefore(known.element, next);
    }
    if (this.focused_key === null || !wanted.has(this.focused_key)) {
      this.focused_key = rows.find((row) => row.id !== null && row.id === this.current)?.key ?? this.order[0] ?? null;
    }
    this.update_tab_stop();
    this.update_dots();
    const text = found ? (rows.length === 0 ? 'No note has these words in its title or path.' : rows.length === most_found ? `The first ${most_found} are shown.` : '') : rows.length === 0 ? 'No notes yet.' : '';
    set_text(this.note, text);
  }

  private make_row(row: Row): RowElement {
    const twisty = h('span', { class: 'twisty', attrs: { 'aria-hidden': true } });
    const label = h('span', { class: 'row-label' });
    const hint = h('span', { class: 'row-hint' });
    const dots = h('span', { class: 'row-dots' });
    const add = h('button', { class: 'icon-button row-add', attrs: { type: 'button', tabindex: -1 } }, icon('plus'));
    const element = h('div', { class: 'row', attrs: { role: 'treeitem' } }, twisty, h('span', { class: 'row-text' }, label, hint), dots, add);
    element.dataset['key'] = row.key;
    return { row, shown: '', element, label, hint, dots, twisty, add };
  }

  private update_row(known: RowElement, row: Row, found: boolean): void {
    known.row = row;
    const { element } = known;
    const selected = row.id !== null && row.id === this.current;
    const shown = JSON.stringify([row, found, selected]);
    if (known.shown === shown) return;
    known.shown = shown;
    element.className = `row row-${row.kind}`;
    element.style.setProperty('--depth', String(row.depth));
    element.title = row.hint;
    set_text(known.label, row.label);
    set_text(known.hint, found ? row.hint : '');
    set_attr(element, 'aria-level', row.depth + 1);
    set_attr(element, 'aria-expanded', row.expanded === null ? undefined : String(row.expanded));
    set_attr(element, 'aria-selected', String(selected));
    set_attr(element, 'aria-disabled', row.kind === 'missing' ? 'true' : undefined);
    if (row.id !== null) element.dataset['id'] = row.id;
    if (row.expanded !== null && known.twisty.childElementCount === 0) known.twisty.append(icon('chevron'));
    if (row.expanded === null) known.twisty.replaceChildren();
    known.add.hidden = !row.is_index || found;
    set_attr(known.add, 'aria-label', `New note in ${row.label}`);
    known.add.title = `New note in ${row.label}`;
  }

  private update_dots(): void {
    for (const { row, dots } of this.rows.values()) {
      const here = row.id === null ? [] : (this.peers.get(row.id) ?? []);
      const other = here.length === 0 && row.id !== this.current && this.elsewhere.has(row.hint);
      const wanted = here.map((peer) => `${peer.client} ${peer.color} ${peer.name}`).join('\n') + (other ? 'elsewhere' : '');
      if (dots.dataset['peers'] === wanted) continue;
      dots.dataset['peers'] = wanted;
      dots.title = other ? 'Open in another program' : here.map((peer) => peer.name).join(', ');
      const shown = here.slice(0, most_dots).map((peer) => {
        const dot = h('span', { class: 'dot' });
        dot.style.setProperty('--peer', peer.color);
        return dot;
      });
      dots.replaceChildren(...(other ? [h('span', { class: 'dot dot-hollow' })] : shown));
    }
  }

  private activate(row: Row, to_write: boolean): void {
    if (row.id !== null) {
      this.events.open(row.id, to_write);
      if (row.expanded === false) this.toggle(row.key);
    } else if (row.expanded !== null) {
      this.toggle(row.key);
    }
  }

  private row_of(event: Event): RowElement | null {
    const element = (event.target as Element).closest<HTMLElement>('.row');
    return element === null ? null : (this.rows.get(element.dataset['key'] ?? '') ?? null);
  }

  private on_click(event: MouseEvent): void {
    const known = this.row_of(event);
    if (known === null) return;
    const target = event.target as Element;
    if (target.closest('.row-add') !== null) {
      if (known.row.id !== null) this.events.create_in(known.row.id);
    } else if (target.closest('.twisty') !== null && known.row.expanded !== null) {
      this.toggle(known.row.key);
    } else {
      this.activate(known.row, false);
    }
  }

  private on_focus(event: FocusEvent): void {
    const known = this.row_of(event);
    if (known === null || event.target !== known.element) return;
    this.focused_key = known.row.key;
    this.update_tab_stop();
  }

  // One row can be reached by Tab, the others from there by arrow keys.
  private update_tab_stop(): void {
    for (const [key, row] of this.rows) set_attr(row.element, 'tabindex', key === this.focused_key ? 0 : -1);
  }

  private focus_row(index: number): void {
    const key = this.order[Math.max(0, Math.min(index, this.order.length - 1))];
    if (key !== undefined) this.rows.get(key)?.element.focus();
  }

  private on_key(event: KeyboardEvent): void {
    const known = this.row_of(event);
    if (known === null || event.target !== known.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const { row } = known;
    const at = this.order.indexOf(row.key);
    switch (event.key) {
      case 'ArrowDown':
        this.focus_row(at + 1);
        break;
      case 'ArrowUp':
        if (at === 0) this.focus_filter();
        else this.focus_row(at - 1);
        break;
      case 'Home':
        this.focus_row(0);
        break;
      case 'End':
        this.focus_row(this.order.length - 1);
        break;
      case 'ArrowRight':
        if (row.expanded === false) this.toggle(row.key);
        else if (row.expanded === true) this.focus_row(at + 1);
        break;
      case 'ArrowLeft':
        if (row.expanded === true) this.toggle(row.key);
        else this.focus_row(this.parent_index(at, row.depth));
        break;
      case 'Enter':
        this.activate(row, true);
        break;
      case ' ':
        this.activate(row, false);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  private parent_index(at: number, depth: number): number {
    for (let index = at - 1; index >= 0; index--) {
      const row = this.rows.get(this.order[index] ?? '')?.row;
      if (row !== undefined && row.depth < depth) return index;
    }
    return at;
  }

  private on_filter_input(): void {
    this.render();
    this.scroller.scrollTop = 0;
  }

  private on_filter_key(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') {
      this.focus_row(0);
    } else if (event.key === 'Enter') {
      const first = this.rows.get(this.order[0] ?? '')?.row;
      if (this.query === '' || first === undefined) return;
      this.activate(first, true);
      this.clear_filter();
    } else if (event.key === 'Escape') {
      this.clear_filter();
      this.filter.blur();
    } else {
      return;
    }
    event.preventDefault();
  }

  private clear_filter(): void {
    this.filter.value = '';
    this.render();
  }
}

function load_set(key: string): Set<string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return new Set(Array.isArray(stored) ? stored.filter((item): item is string => typeof item === 'string') : []);
  } catch {
    return new Set();
  }
}

function save_set(key: string, set: ReadonlySet<string>): void {
  try {
    localStorage.setItem(key, JSON.stringify([...set]));
  } catch {
    // The tree is then as at a first visit next time.
  }
}
