// The workspace document as notes: reads every record, keeps them up to date, and makes the changes that a person asks for.
import * as Y from 'yjs';

import { folder_of, free_path, join_path, title_to_file_name } from './links';
import type { NoteRecord } from './record';
import { insert_child, link_target, new_file_id, new_record, read_record, remove_child, title_of, write_field } from './record';

/** Puts a deleted note back where it was. */
export type Restore = () => void;

export class Workspace {
  readonly doc = new Y.Doc();
  private readonly files = this.doc.getMap<unknown>('files');
  private readonly records = new Map<string, NoteRecord>();
  private readonly ids_by_path = new Map<string, string[]>();
  private readonly listeners = new Set<() => void>();

  constructor() {
    this.files.observeDeep((events) => {
      const changed = new Set<string>();
      for (const event of events) {
        const id = event.path[0];
        if (typeof id === 'string') changed.add(id);
        else for (const key of event.keys.keys()) changed.add(key);
      }
      for (const id of changed) this.take_in(id);
      for (const listener of this.listeners) listener();
    });
  }

  on_change(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Tombstones included. */
  find(id: string): NoteRecord | null {
    return this.records.get(id) ?? null;
  }

  /** Null for a tombstone too. */
  live(id: string): NoteRecord | null {
    const record = this.records.get(id);
    return record === undefined || record.deleted ? null : record;
  }

  all_live(): NoteRecord[] {
    return [...this.records.values()].filter((record) => !record.deleted);
  }

  /**
   * Where the note is on disk. Two live records may claim one path: the smaller id keeps it, the next gets " (2)" before ".md".
   */
  path_of(record: NoteRecord): string {
    const rank = (this.ids_by_path.get(record.path) ?? []).indexOf(record.id);
    return rank <= 0 ? record.path : record.path.replace(/(\.md)?$/, ` (${rank + 1})$1`);
  }

  /** The live note that an entry of `contents` or `part_of` means: a file id, or a link text. */
  resolve(link: string): NoteRecord | null {
    const direct = this.live(link);
    if (direct !== null) return direct;
    const id = this.ids_by_path.get(link_target(link).path)?.[0];
    return id === undefined ? null : this.live(id);
  }

  /** Live notes with `contents` and without a parent: the shortest, then smallest path first. The first is the root index. */
  roots(): NoteRecord[] {
    return this.all_live()
      .filter((record) => record.contents !== null && record.part_of === null)
      .sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.id < b.id ? -1 : 1));
  }

  /** The index that a new note made beside or under `record` belongs to. */
  index_for(record: NoteRecord | null): NoteRecord | null {
    if (record?.contents != null && !record.deleted) return record;
    const parent = record?.part_of == null ? null : this.resolve(record.part_of);
    return parent ?? this.roots()[0] ?? null;
  }

  /** The path that create() would choose: in the parent's folder, or in `folder` without a parent. */
  path_for(title: string, parent: NoteRecord | null, folder_without_parent = ''): string {
    const folder = parent === null ? folder_without_parent : folder_of(parent.path);
    return free_path(join_path(folder, title_to_file_name(title)), (path) => this.is_taken(path, null));
  }

  /** Whether another live note than `except` has that path. */
  is_taken(path: string, except: string | null): boolean {
    const wanted = path.toLowerCase();
    return this.all_live().some((record) => record.id !== except && this.path_of(record).toLowerCase() === wanted);
  }

  /** Returns the new note's id. The first note of an empty workspace becomes its root index. */
  create(title: string, parent: NoteRecord | null, folder_without_parent = ''): string {
    const id = new_file_id();
    const path = this.path_for(title, parent, folder_without_parent);
    const record = new_record({ path, title, part_of: parent?.id ?? null, is_index: this.all_live().length === 0 });
    this.doc.transact(() => {
      this.files.set(id, record);
      if (parent !== null) insert_child(this.files, parent.id, parent.contents?.length ?? 0, id);
    });
    return id;
  }

  /** An empty title is no title: the note is then called by its file name. */
  set_title(id: string, title: string): void {
    const record = this.live(id);
    const next = title.trim() === '' ? null : title;
    if (record === null || record.title === next) return;
    this.doc.transact(() => write_field(this.files, id, 'title', next));
  }

  set_path(id: string, path: string): void {
    if (this.live(id) === null) return;
    this.doc.transact(() => write_field(this.files, id, 'path', path));
  }

  /** Whether the record can take a path of its own; the original's path-keyed records cannot. */
  can_move(id: string): boolean {
    return this.files.get(id) instanceof Y.Map;
  }

  /** Leaves a tombstone, and takes the note out of every index that lists it. */
  remove(id: string): Restore {
    const places: { index_id: string; at: number; entry: string }[] = [];
    this.doc.transact(() => {
      for (const record of this.all_live()) {
        const entries = record.contents ?? [];
        for (let at = entries.length - 1; at >= 0; at--) {
          const entry = entries[at] ?? '';
          if (this.resolve(entry)?.id !== id) continue;
          remove_child(this.files, record.id, at);
          places.push({ index_id: record.id, at, entry });
        }
      }
      write_field(this.files, id, 'deleted', true);
    });
    return () => {
      this.doc.transact(() => {
        write_field(this.files, id, 'deleted', null);
        for (const place of places.reverse()) {
          const index = this.live(place.index_id);
          if (index !== null && !(index.contents ?? []).includes(place.entry)) insert_child(this.files, place.index_id, place.at, place.entry);
        }
      });
    };
  }

  /** Brings a tombstone back, under the parent that it names. */
  restore(id: string): void {
    const record = this.find(id);
    if (record === null || !record.deleted) return;
    this.doc.transact(() => {
      write_field(this.files, id, 'deleted', null);
      const parent = record.part_of === null ? null : this.resolve(record.part_of);
      const entries = parent?.contents ?? [];
      if (parent !== null && !entries.some((entry) => entry === id || link_target(entry).path === record.path)) {
        insert_child(this.files, parent.id, entries.length, id);
      }
    });
  }

  /** Live notes that name `id` as their parent or stand in its contents. */
  children_of(id: string): NoteRecord[] {
    return this.all_live().filter((record) => record.part_of !== null && this.resolve(record.part_of)?.id === id);
  }

  private take_in(id: string): void {
    const before = this.records.get(id);
    const after = read_record(id, this.files.get(id));
    if (before !== undefined && !before.deleted) this.drop_path(before);
    if (after === null) {
      this.records.delete(id);
      return;
    }
    this.records.set(id, after);
    if (!after.deleted) this.add_path(after);
  }

  private add_path(record: NoteRecord): void {
    const ids = this.ids_by_path.get(record.path);
    if (ids === undefined) this.ids_by_path.set(record.path, [record.id]);
    else ids.splice(0, ids.length, ...[...ids, record.id].sort());
  }

  private drop_path(record: NoteRecord): void {
    const ids = (this.ids_by_path.get(record.path) ?? []).filter((id) => id !== record.id);
    if (ids.length === 0) this.ids_by_path.delete(record.path);
    else this.ids_by_path.set(record.path, ids);
  }
}

/** Sorts by what people read, numbers by value. */
export function by_title(a: NoteRecord, b: NoteRecord): number {
  return title_collator.compare(title_of(a), title_of(b)) || (a.id < b.id ? -1 : 1);
}
const title_collator = new Intl.Collator(undefined, { numeric: true });
