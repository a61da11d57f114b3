// A file's record in the workspace document: root Y.Map `files`, file id → Y.Map. Keys and meanings: docs/formats.md.
//
// The original kept a record as one JSON string. Such a record is read too, and written back as what it is; the server turns it into a map.
import * as Y from 'yjs';

import { parse_link, path_to_title } from './links';

export interface NoteRecord {
  id: string;
  path: string;
  title: string | null;
  part_of: string | null;
  /** File ids, or link texts that resolve to nothing. Null: not an index. */
  contents: string[] | null;
  deleted: boolean;
  /** ms since 1970 */
  modified_at: number;
}

/** Null if `value` is no record. */
export function read_record(id: string, value: unknown): NoteRecord | null {
  const field = fields_of(value);
  if (field === null) return null;
  const path = text_or_null(field('path')) ?? (is_path_key(id) ? id : text_or_null(field('filename')));
  if (path === null || path === '') return null;
  return {
    id,
    path,
    title: text_or_null(field('title')),
    part_of: text_or_null(field('part_of')),
    contents: texts_or_null(field('contents')),
    deleted: field('deleted') === true,
    modified_at: number_or_zero(field('modified_at')),
  };
}

/** What the record is called where people see it. */
export function title_of(record: NoteRecord): string {
  return record.title?.trim() || path_to_title(record.path);
}

/** Writes one field of the record stored under `id`, and when. Call inside a transaction. `null` removes the field; a live note has no `deleted`. */
export function write_field(files: Y.Map<unknown>, id: string, key: 'title' | 'path' | 'deleted', value: string | true | null): void {
  const stored = files.get(id);
  if (stored instanceof Y.Map) {
    if (value === null) stored.delete(key);
    else stored.set(key, value);
    stored.set('modified_at', Date.now());
  } else if (typeof stored === 'string') {
    const json = JSON.parse(stored) as Record<string, unknown>;
    files.set(id, JSON.stringify({ ...json, [key]: key === 'deleted' ? value === true : value, modified_at: Date.now() }));
  }
}

/** Inserts `child` into the record's `contents` at `index`, making it an index if it is none. Call inside a transaction. */
export function insert_child(files: Y.Map<unknown>, id: string, index: number, child: string): void {
  edit_contents(files, id, (list) => list.insert(Math.min(index, list.length), [child]), (list) => list.splice(index, 0, child));
}

/** Removes the entry at `index` of the record's `contents`. Call inside a transaction. */
export function remove_child(files: Y.Map<unknown>, id: string, index: number): void {
  edit_contents(files, id, (list) => list.delete(index, 1), (list) => list.splice(index, 1));
}

/** A new record, ready to be put under its id. */
export function new_record(fields: { path: string; title: string; part_of: string | null; is_index: boolean }): Y.Map<unknown> {
  const record = new Y.Map<unknown>();
  record.set('path', fields.path);
  record.set('title', fields.title);
  if (fields.part_of !== null) record.set('part_of', fields.part_of);
  if (fields.is_index) record.set('contents', new Y.Array<string>());
  record.set('modified_at', Date.now());
  return record;
}

/** 16 random characters of the URL-safe alphabet: 96 bits. */
export function new_file_id(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => alphabet.charAt(octet & 63)).join('');
}

function edit_contents(files: Y.Map<unknown>, id: string, on_array: (list: Y.Array<string>) => void, on_plain: (list: string[]) => void): void {
  const stored = files.get(id);
  if (stored instanceof Y.Map) {
    const contents = stored.get('contents');
    if (contents instanceof Y.Array) {
      on_array(contents as Y.Array<string>);
    } else {
      const plain = texts_or_null(contents) ?? [];
      on_plain(plain);
      stored.set('contents', Y.Array.from(plain));
    }
    stored.set('modified_at', Date.now());
  } else if (typeof stored === 'string') {
    const json = JSON.parse(stored) as Record<string, unknown>;
    const plain = texts_or_null(json['contents']) ?? [];
    on_plain(plain);
    files.set(id, JSON.stringify({ ...json, contents: plain, modified_at: Date.now() }));
  }
}

function fields_of(value: unknown): ((key: string) => unknown) | null {
  if (value instanceof Y.Map) return (key) => value.get(key) as unknown;
  if (typeof value !== 'string') return null;
  try {
    const json = JSON.parse(value) as unknown;
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
    return (key) => (json as Record<string, unknown>)[key];
  } catch {
    return null;
  }
}

function is_path_key(id: string): boolean {
  return id.includes('/') || id.endsWith('.md');
}

// Writers differ in how they encode a whole number.
function number_or_zero(value: unknown): number {
  return typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? value : 0;
}

function text_or_null(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function texts_or_null(value: unknown): string[] | null {
  const list: unknown = value instanceof Y.Array ? value.toArray() : value;
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : null;
}

/** The path that a link text in `contents` or `part_of` seems to mean, for looking up and for showing. */
export function link_target(text: string): { label: string; path: string } {
  const { label, target } = parse_link(text);
  const path = target.replace(/^\//, '');
  return { label: label ?? path_to_title(path), path };
}
