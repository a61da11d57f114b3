// Everything that belongs to one workspace of one epoch: its documents, its wire, and the page that shows them.
import { Awareness } from 'y-protocols/awareness';

import { Bodies } from './bodies';
import type { Channel } from './channel';
import { ask, field } from './dialog';
import { h, icon, once_per_frame } from './dom';
import { file_name_of, folder_of, read_path } from './links';
import { NoteView } from './note';
import { PeopleBar } from './people';
import type { Peer, Person } from './presence';
import { load_person, peers_in, save_person, user_field } from './presence';
import type { NoteRecord } from './record';
import { title_of } from './record';
import type { ServerStatus } from './session';
import { has_token } from './session';
import { StatusLine, status_of } from './status';
import { toast } from './toast';
import { TreeView } from './tree';
import { TroubleWatch, no_troubles } from './troubles';
import type { ControlMessage } from './wire';
import { Wire } from './wire';
import { Workspace, by_title } from './workspace';

/** A note's text as it was when its epoch ended. */
export interface Copy {
  file_name: string;
  text: string;
  unsaved: boolean;
}

export interface AppEvents {
  signed_out(): void;
  other_epoch(): void;
}

export class App {
  readonly element: HTMLElement;
  private readonly workspace = new Workspace();
  private readonly awareness = new Awareness(this.workspace.doc);
  private readonly wire: Wire;
  private readonly channel: Channel;
  private readonly bodies: Bodies;
  private readonly tree: TreeView;
  private readonly note: NoteView;
  private readonly workspace_name = h('h1', { class: 'workspace-name', text: 'Notes' });
  private readonly people: PeopleBar;
  private readonly status_line: StatusLine;
  private person: Person = load_person();
  private read_only = false;
  private readonly last_note_key: string;
  // A guest is not told.
  private readonly troubles: TroubleWatch | null;
  private readonly show_status = once_per_frame(() => this.status_line.show(status_of(this.wire, this.read_only, this.troubles?.current ?? no_troubles, this.open_path())));
  private readonly show_people = once_per_frame(() => this.update_people());
  private readonly show_tree = once_per_frame(() => this.update_tree());
  private readonly abort = new AbortController();

  constructor(
    private readonly identity: ServerStatus,
    check: () => Promise<ServerStatus>,
    events: AppEvents,
  ) {
    this.last_note_key = `diaryx.last.${identity.workspace_id}`;
    this.wire = new Wire(identity, check, {
      state_changed: () => this.show_status(),
      channel_changed: () => this.show_status(),
      control: (message) => this.on_control(message),
      signed_out: () => events.signed_out(),
      other_epoch: () => events.other_epoch(),
    });
    this.channel = this.wire.open(`workspace:${identity.workspace_id}`, this.workspace.doc, this.awareness);
    this.bodies = new Bodies(this.wire, identity.workspace_id);
    this.tree = new TreeView(this.workspace, identity.workspace_id, {
      open: (id, to_write) => void this.open(id, { to_write }),
      create_in: (id) => void this.create(this.workspace.live(id)),
    });
    this.note = new NoteView(this.workspace, this.bodies, {
      rename: (id) => void this.rename(id),
      remove: (id) => void this.remove(id),
      open: (id) => void this.open(id),
    });
    this.people = new PeopleBar(
      this.person,
      (person) => this.change_person(person),
      (peer) => peer.note !== null && this.workspace.live(peer.note) !== null && void this.open(peer.note),
    );
    this.status_line = new StatusLine(() => (this.wire.state.kind === 'online' ? this.wire.flush() : this.wire.retry_now()));
    this.element = this.build_page();
    this.change_person(this.person);
    this.awareness.on('change', this.show_people);
    this.workspace.on_change(() => this.show_tree());
    this.listen();
    this.troubles = identity.guest === undefined ? new TroubleWatch(() => this.show_status()) : null;
  }

  /** Connects, and shows a note once the workspace is here. */
  async start(): Promise<void> {
    this.wire.connect();
    await this.channel.when_synced();
    this.update_tree();
    const asked = note_in_address();
    await this.open(asked !== null && this.workspace.find(asked) !== null ? asked : this.first_note(), { replace: true });
  }

  /** The bodies in memory that have a text, for keeping when they must not be merged. */
  copies(): Copy[] {
    this.note.keep_title();
    return this.bodies
      .all()
      .filter((body) => body.text.length > 0)
      .map((body) => {
        const record = this.workspace.find(body.id);
        return { file_name: file_name_of(record?.path ?? 'note.md'), text: body.text.toString(), unsaved: body.channel.waiting > 0 };
      });
  }

  dispose(): void {
    this.abort.abort();
    this.troubles?.dispose();
    this.note.dispose();
    this.wire.dispose();
    this.awareness.destroy();
    for (const body of this.bodies.all()) body.awareness.destroy();
    this.element.remove();
  }

  /** Puts the note on the screen back into the address. */
  show_address(): void {
    if (this.note.id !== null) history.replaceState(null, '', address_of(this.note.id));
  }

  retry_now(): void {
    this.wire.retry_now();
  }

  private build_page(): HTMLElement {
    const close_drawer = () => this.element.classList.remove('has-drawer');
    const button = (class_name: string, label: string, icon_name: 'menu' | 'plus' | 'close', click: () => void) =>
      h('button', { class: class_name, attrs: { type: 'button', 'aria-label': label, title: label }, on: { click } }, icon(icon_name));
    const side = h(
      'aside',
      { class: 'side', attrs: { 'aria-label': 'Notes' } },
      h('div', { class: 'side-head' }, this.workspace_name, button('icon-button new-note', 'New note', 'plus', () => void this.create_here()), button('icon-button only-narrow', 'Close the list', 'close', close_drawer)),
      this.tree.element,
    );
    const bar = h(
      'header',
      { class: 'bar' },
      button('icon-button only-narrow', 'Show the list of notes', 'menu', () => this.element.classList.add('has-drawer')),
      this.status_line.element,
      this.people.element,
    );
    return h('div', { class: 'app' }, side, h('div', { class: 'drawer-shade', on: { click: close_drawer } }), h('main', { class: 'main' }, bar, this.note.element));
  }

  private listen(): void {
    const options = { signal: this.abort.signal };
    window.addEventListener('popstate', () => !has_token() && void this.open(note_in_address(), { from_address: true }), options);
    window.addEventListener('beforeunload', (event) => this.on_unload(event), options);
    window.addEventListener('pagehide', () => this.note.keep_title(), options);
    document.addEventListener('keydown', (event) => this.on_key(event), options);
  }

  private on_unload(event: BeforeUnloadEvent): void {
    this.note.keep_title();
    if (this.wire.waiting === 0) return;
    this.wire.flush();
    event.preventDefault();
  }

  private on_key(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    switch (event.key.toLowerCase()) {
      case 'k':
        event.preventDefault();
        this.element.classList.add('has-drawer');
        this.tree.focus_filter();
        return;
      case 's':
        // Nothing needs saving by hand, but the fingers want to know.
        event.preventDefault();
        this.note.keep_title();
        this.wire.flush();
        return;
      default:
        return;
    }
  }

  private on_control(message: ControlMessage): void {
    switch (message.type) {
      case 'focus_list_changed':
        return this.tree.show_focus(message.files);
      case 'read_only_changed':
        this.read_only = message.read_only;
        this.element.classList.toggle('is-read-only', this.read_only);
        this.note.set_read_only(this.read_only);
        return this.show_status();
      case 'session_ended':
        return toast('The owner has ended this session.');
      case 'error':
        toast(`The server says: ${message.message}.`);
        return this.show_status();
    }
  }

  private async open(id: string | null, how: { to_write?: boolean; replace?: boolean; from_address?: boolean; is_new?: boolean } = {}): Promise<void> {
    this.element.classList.remove('has-drawer');
    if (how.from_address !== true && id !== null) {
      if (how.replace === true) history.replaceState(null, '', address_of(id));
      else if (id !== this.note.id) history.pushState(null, '', address_of(id));
    }
    if (id !== null) remember(this.last_note_key, id);
    this.tree.show_current(id);
    this.awareness.setLocalStateField('note', id);
    const shown = this.note.show(id, how.is_new);
    this.update_title();
    this.show_status();
    await shown;
    if (how.to_write === true && this.note.id === id) this.note.focus_text();
  }

  private open_path(): string | null {
    const record = this.note.id === null ? null : this.workspace.live(this.note.id);
    return record === null ? null : this.workspace.path_of(record);
  }

  private first_note(): string | null {
    const last = recall(this.last_note_key);
    if (last !== null && this.workspace.live(last) !== null) return last;
    return (this.workspace.roots()[0] ?? this.workspace.all_live().sort(by_title)[0])?.id ?? null;
  }

  private create_here(): Promise<void> {
    return this.create(this.workspace.index_for(this.note.id === null ? null : this.workspace.find(this.note.id)));
  }

  private async create(parent: NoteRecord | null): Promise<void> {
    if (this.read_only) return toast('You can read along, but not make notes here.');
    const { row, input } = field('Title', '', { placeholder: 'Untitled', maxlength: '300' });
    const where = h('p', { class: 'dialog-hint' });
    const typed = () => input.value.trim() || 'Untitled';
    // Without an index the folders are the tree, so a new note goes where one is.
    const here = this.note.id === null ? null : this.workspace.live(this.note.id);
    const folder = here === null ? '' : folder_of(here.path);
    const show_where = () => (where.textContent = this.workspace.path_for(typed(), parent, folder));
    input.addEventListener('input', show_where);
    show_where();
    const title = parent === null ? 'New note' : `New note in ${title_of(parent)}`;
    if (!(await ask({ title, body: [row, where], confirm: 'Create' }))) return;
    const id = this.workspace.create(typed(), parent === null ? null : this.workspace.live(parent.id), folder);
    this.update_tree();
    await this.open(id, { is_new: true, to_write: input.value.trim() !== '' });
    if (input.value.trim() === '') this.note.focus_title();
  }

  private async rename(id: string): Promise<void> {
    const record = this.workspace.live(id);
    if (record === null || this.read_only) return;
    const { row, input } = field('Path in the workspace', this.workspace.path_of(record));
    const problem = (): string | null => {
      const read = read_path(input.value);
      if ('problem' in read) return read.problem;
      return this.workspace.is_taken(read.path, id) ? 'Another note has this path.' : null;
    };
    const hint = h('p', { class: 'dialog-hint', text: 'Links between notes follow the file.' });
    if (!(await ask({ title: 'Rename or move the file', body: [row, hint], confirm: 'Rename', problem }))) return;
    const read = read_path(input.value);
    if ('path' in read && read.path !== this.workspace.path_of(record)) this.workspace.set_path(id, read.path);
  }

  private async remove(id: string): Promise<void> {
    const record = this.workspace.live(id);
    if (record === null || this.read_only) return;
    const children = this.workspace.children_of(id).length;
    const body = [h('p', { text: `“${title_of(record)}” (${this.workspace.path_of(record)}) goes to the trash folder, .diaryx/trash.` })];
    if (children > 0) body.push(h('p', { text: children === 1 ? 'The note under it stays, but is not linked any more.' : `The ${children} notes under it stay, but are not linked any more.` }));
    if (!(await ask({ title: 'Delete this note?', body, confirm: 'Delete', danger: true }))) return;
    const up = record.part_of === null ? null : this.workspace.resolve(record.part_of);
    const restore = this.workspace.remove(id);
    toast(`“${title_of(record)}” is deleted.`, {
      label: 'Undo',
      run: () => {
        restore();
        void this.open(id);
      },
    });
    await this.open(up?.id ?? this.workspace.roots()[0]?.id ?? null);
  }

  private change_person(person: Person): void {
    this.person = person;
    save_person(person);
    this.awareness.setLocalStateField('user', user_field(person));
    this.note.set_user(user_field(person));
  }

  private update_people(): void {
    const peers = peers_in(this.awareness);
    const note_title = (peer: Peer): string | null => {
      const record = peer.note === null ? null : this.workspace.live(peer.note);
      return record === null ? null : title_of(record);
    };
    this.people.show(peers, note_title);
    this.tree.show_peers(peers);
  }

  private update_tree(): void {
    this.tree.refresh();
    this.update_title();
  }

  private update_title(): void {
    const root = this.workspace.roots()[0];
    const record = this.note.id === null ? null : this.workspace.find(this.note.id);
    const name = root === undefined ? this.identity.root : title_of(root);
    this.workspace_name.textContent = name;
    document.title = record === null || record.id === root?.id ? name : `${title_of(record)} – ${name}`;
  }
}

function address_of(id: string): string {
  return `#${encodeURIComponent(id)}`;
}

/** The id of the note in `#id`; null without one. */
function note_in_address(): string | null {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Next time starts at the root index.
  }
}

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
