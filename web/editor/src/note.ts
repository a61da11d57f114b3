// The right side: one note. Its title, where it is on disk, and its text.
import type { Bodies, Body } from './bodies';
import { h, icon, once_per_frame, set_attr, set_text } from './dom';
import { BodyEditor } from './editor';
import { title_of } from './record';
import type { Workspace } from './workspace';

export interface NoteEvents {
  rename(id: string): void;
  remove(id: string): void;
  open(id: string): void;
}

const title_quiet_ms = 500;

export class NoteView {
  readonly element: HTMLElement;
  /** The note on the screen, deleted ones included. */
  id: string | null = null;
  read_only = false;

  private readonly title: HTMLTextAreaElement;
  private readonly path: HTMLButtonElement;
  private readonly path_text = h('span');
  private readonly remove_button: HTMLButtonElement;
  private readonly crumbs = h('nav', { class: 'crumbs', attrs: { 'aria-label': 'Where this note hangs' } });
  private readonly banner = h('div', { class: 'banner', attrs: { role: 'status' } });
  private readonly holder = h('div', { class: 'text' });
  private readonly blank = h('p', { class: 'blank' });
  private readonly sheet: HTMLElement;
  private user: object = {};
  private body: Body | null = null;
  private editor: BodyEditor | null = null;
  private title_timer: ReturnType<typeof setTimeout> | undefined;
  // The title in the field differs from the record because the person typed it.
  private title_touched = false;
  private readonly refresh_soon = once_per_frame(() => this.refresh());

  constructor(
    private readonly workspace: Workspace,
    private readonly bodies: Bodies,
    private readonly events: NoteEvents,
  ) {
    this.title = h('textarea', {
      class: 'title',
      attrs: { rows: 1, placeholder: 'Untitled', 'aria-label': 'Title', spellcheck: 'true', autocomplete: 'off', maxlength: 1000 },
      on: { input: () => this.on_title_input(), keydown: (event) => this.on_title_key(event), blur: () => this.keep_title() },
    });
    this.path = h(
      'button',
      { class: 'path', attrs: { type: 'button', title: 'Rename or move the file' }, on: { click: () => this.id !== null && this.events.rename(this.id) } },
      this.path_text,
      icon('pencil'),
    );
    this.remove_button = h(
      'button',
      { class: 'icon-button', attrs: { type: 'button', 'aria-label': 'Delete this note', title: 'Delete this note' }, on: { click: () => this.id !== null && this.events.remove(this.id) } },
      icon('trash'),
    );
    this.sheet = h('article', { class: 'sheet' }, this.crumbs, this.title, h('div', { class: 'meta' }, this.path, this.remove_button), this.banner, this.holder);
    this.element = h('div', { class: 'note', on: { pointerdown: (event) => this.on_margin(event) } }, this.sheet, this.blank);
    new ResizeObserver(() => this.fit_title()).observe(this.sheet);
    workspace.on_change(this.refresh_soon);
    this.refresh();
  }

  /** Shows the note and resolves when its text is there. `is_new`: it was made here just now. */
  async show(id: string | null, is_new = false): Promise<void> {
    if (id !== this.id) {
      this.leave();
      this.id = id;
      this.refresh();
      if (id !== null) {
        this.body = this.bodies.open(id, is_new);
        this.element.scrollTop = 0;
      }
    }
    const body = this.body;
    if (body === null) return;
    await body.channel.when_synced();
    if (this.body === body && this.editor === null) this.mount(body);
  }

  focus_text(): void {
    this.editor?.focus();
  }

  focus_title(): void {
    this.title.focus();
    this.title.select();
  }

  /** Writes what is typed in the title field, without waiting for a quiet moment. */
  keep_title(): void {
    clearTimeout(this.title_timer);
    if (!this.title_touched || this.id === null) return;
    this.title_touched = false;
    this.workspace.set_title(this.id, this.title.value);
    this.refresh_soon();
  }

  set_read_only(read_only: boolean): void {
    this.read_only = read_only;
    this.refresh();
  }

  /** Tells the others who we are in this text. */
  set_user(user: object): void {
    if (this.body !== null) this.body.awareness.setLocalState({ ...(this.body.awareness.getLocalState() ?? {}), user });
    this.user = user;
  }

  dispose(): void {
    this.leave();
    this.id = null;
  }

  private leave(): void {
    this.keep_title();
    if (this.body !== null) {
      this.body.scroll_top = this.element.scrollTop;
      this.body.awareness.setLocalState(null);
    }
    this.editor?.destroy();
    this.editor = null;
    this.body = null;
    this.holder.replaceChildren();
  }

  private mount(body: Body): void {
    this.holder.replaceChildren();
    this.editor = new BodyEditor(body, this.holder, this.locked(), () => {
      // Never with text alone in the document. A fresh view reads what is really there.
      console.error('diaryx-sync: the view had lost step with the document');
      queueMicrotask(() => {
        if (this.body !== body) return;
        this.editor?.destroy();
        this.mount(body);
      });
    });
    body.awareness.setLocalState({ user: this.user });
    this.element.scrollTop = body.scroll_top;
    this.refresh();
  }

  private locked(): boolean {
    return this.read_only || this.id === null || this.workspace.live(this.id) === null;
  }

  private refresh(): void {
    const record = this.id === null ? null : this.workspace.find(this.id);
    this.sheet.hidden = record === null;
    this.blank.hidden = record !== null;
    if (record === null) {
      set_text(this.blank, this.id === null ? this.workspace.all_live().length === 0 ? 'Nothing here yet. Make the first note with the + on the left.' : 'Choose a note on the left, or make a new one.' : 'There is no such note here.');
      return;
    }
    const locked = this.locked();
    if (!this.title_touched && this.title.value !== (record.title ?? '')) this.title.value = record.title ?? '';
    this.title.placeholder = record.title === null ? title_of(record) : 'Untitled';
    this.title.readOnly = locked;
    this.fit_title();
    set_text(this.path_text, this.workspace.path_of(record));
    this.path.disabled = locked || !this.workspace.can_move(record.id);
    this.remove_button.hidden = locked;
    this.show_crumbs(record.part_of);
    this.show_banner(record.deleted);
    if (this.editor !== null && this.editor.view.state.readOnly !== (locked || this.editor.readable_only)) this.editor.set_read_only(locked);
    if (this.editor === null && this.holder.childElementCount === 0) this.holder.append(h('p', { class: 'loading', text: 'Waiting for the text…' }));
  }

  private show_banner(deleted: boolean): void {
    const kind = deleted ? 'deleted' : this.editor?.readable_only === true ? 'foreign' : '';
    this.banner.hidden = kind === '';
    if (this.banner.dataset['kind'] === kind) return;
    this.banner.dataset['kind'] = kind;
    if (deleted) {
      const restore = () => this.id !== null && this.workspace.restore(this.id);
      const button = h('button', { class: 'button', text: 'Restore', attrs: { type: 'button' }, on: { click: restore } });
      this.banner.replaceChildren('This note was deleted. Its file lies in .diaryx/trash.', this.read_only ? '' : button);
    } else if (kind === 'foreign') {
      this.banner.replaceChildren('This text holds something that is not text, written by another program. It can be read here, not changed.');
    }
  }

  // The indexes above this note, the root first.
  private show_crumbs(part_of: string | null): void {
    const way: { id: string; label: string }[] = [];
    for (let link = part_of; link !== null && way.length < 8; ) {
      const parent = this.workspace.resolve(link);
      if (parent === null || way.some((step) => step.id === parent.id) || parent.id === this.id) break;
      way.unshift({ id: parent.id, label: title_of(parent) });
      link = parent.part_of;
    }
    const wanted = JSON.stringify(way);
    if (this.crumbs.dataset['way'] === wanted) return;
    this.crumbs.dataset['way'] = wanted;
    this.crumbs.replaceChildren(
      ...way.map((step) => h('button', { class: 'crumb', text: step.label, attrs: { type: 'button' }, on: { click: () => this.events.open(step.id) } })),
    );
    set_attr(this.crumbs, 'hidden', way.length === 0);
  }

  private fit_title(): void {
    this.title.style.height = 'auto';
    if (this.title.scrollHeight > 0) this.title.style.height = `${this.title.scrollHeight}px`;
  }

  private on_title_input(): void {
    if (/[\r\n]/.test(this.title.value)) this.title.value = this.title.value.replace(/[\r\n]+/g, ' ');
    this.title_touched = true;
    this.fit_title();
    clearTimeout(this.title_timer);
    this.title_timer = setTimeout(() => this.keep_title(), title_quiet_ms);
  }

  private on_title_key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === 'Enter' || (event.key === 'ArrowDown' && this.title.selectionEnd === this.title.value.length)) {
      event.preventDefault();
      this.keep_title();
      this.focus_text();
    }
  }

  // A click below the text means its end.
  private on_margin(event: PointerEvent): void {
    const editor = this.editor;
    if (editor === null || event.button !== 0 || (event.target !== this.element && event.target !== this.sheet && event.target !== this.holder)) return;
    if (event.clientY < editor.view.contentDOM.getBoundingClientRect().bottom) return;
    event.preventDefault();
    editor.view.dispatch({ selection: { anchor: editor.view.state.doc.length } });
    editor.focus();
  }
}
