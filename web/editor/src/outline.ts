// The shape of the tree on the left: which notes hang where. Pure: notes in, branches out.
import { file_name_of, folder_of } from './links';
import type { NoteRecord } from './record';
import { link_target, title_of } from './record';
import type { Workspace } from './workspace';
import { by_title } from './workspace';

export interface Branch {
  /** Unique in the tree and the same from one build to the next: the way from the top. */
  key: string;
  kind: 'note' | 'missing' | 'folder' | 'group';
  label: string;
  /** Of a note. */
  id: string | null;
  /** Small print: a path. */
  hint: string;
  children: Branch[];
}

/** The notes by `contents` from every root; then what no index lists, in a group of its own, or by folder if there is no index at all. */
export function build_outline(workspace: Workspace): Branch[] {
  const placed = new Set<string>();
  const roots = workspace.roots();
  const branches = roots.map((root) => branch_of(workspace, root, '', placed));
  const unlinked = tops_of(workspace, placed);
  if (roots.length === 0) return [...branches, ...by_folder(unlinked.map((record) => branch_of(workspace, record, '', placed)))];
  if (unlinked.length > 0) {
    const children = unlinked.map((record) => branch_of(workspace, record, 'unlinked', placed));
    branches.push({ key: 'unlinked', kind: 'group', label: 'Not linked', id: null, hint: 'Notes that no index lists', children });
  }
  return branches;
}

/** Notes of which every word of `query` is found in the title or the path, the best first. */
export function search_notes(workspace: Workspace, query: string): NoteRecord[] {
  const words = fold(query).split(/\s+/u).filter((word) => word !== '');
  const found: { record: NoteRecord; rank: number }[] = [];
  for (const record of workspace.all_live()) {
    const title = fold(title_of(record));
    const text = `${title} ${fold(record.path)}`;
    if (!words.every((word) => text.includes(word))) continue;
    const first = words[0] ?? '';
    found.push({ record, rank: title.startsWith(first) ? 0 : title.includes(first) ? 1 : 2 });
  }
  return found.sort((a, b) => a.rank - b.rank || by_title(a.record, b.record)).map((entry) => entry.record);
}

// "Réunion" is found by "reunion".
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{Mn}/gu, '').toLowerCase();
}

// Deeper notes show among those that are not linked: nobody nests so deep by hand, and a hostile peer shall not overflow the stack.
const deepest = 100;

// A note that two indexes list shows in both, but its children only at its first place: so a cycle ends.
function branch_of(workspace: Workspace, record: NoteRecord, parent_key: string, placed: Set<string>, depth = 0): Branch {
  const key = `${parent_key}/${record.id}`;
  const first_place = !placed.has(record.id);
  placed.add(record.id);
  const children: Branch[] = [];
  if (first_place && depth < deepest) {
    const seen = new Set<string>();
    for (const entry of record.contents ?? []) {
      const child = workspace.resolve(entry);
      if (child !== null && !seen.has(child.id)) {
        seen.add(child.id);
        children.push(branch_of(workspace, child, key, placed, depth + 1));
      } else if (child === null && workspace.find(entry) === null) {
        const target = link_target(entry);
        children.push({ key: `${key}/?${entry}`, kind: 'missing', label: target.label, id: null, hint: `${target.path}: no such note`, children: [] });
      }
    }
  }
  return { key, kind: 'note', label: title_of(record), id: record.id, hint: workspace.path_of(record), children };
}

// Of the notes not placed yet, those that no other such note lists; in a ring of notes that list each other, the first by title.
function tops_of(workspace: Workspace, placed: ReadonlySet<string>): NoteRecord[] {
  const rest = workspace.all_live().filter((record) => !placed.has(record.id)).sort(by_title);
  const listed = new Set<string>();
  for (const record of rest) {
    for (const entry of record.contents ?? []) {
      const child = workspace.resolve(entry);
      if (child !== null && child.id !== record.id) listed.add(child.id);
    }
  }
  const tops = rest.filter((record) => !listed.has(record.id));
  const reached = new Set<string>();
  const reach = (top: NoteRecord): void => {
    for (const open = [top]; open.length > 0; ) {
      const record = open.pop();
      if (record === undefined || reached.has(record.id)) continue;
      reached.add(record.id);
      for (const entry of record.contents ?? []) {
        const child = workspace.resolve(entry);
        if (child !== null) open.push(child);
      }
    }
  };
  tops.forEach(reach);
  for (const record of rest) {
    if (reached.has(record.id)) continue;
    tops.push(record);
    reach(record);
  }
  return tops;
}

function by_folder(branches: Branch[]): Branch[] {
  const top: Branch = { key: '', kind: 'folder', label: '', id: null, hint: '', children: [] };
  const folders = new Map<string, Branch>([['', top]]);
  const folder = (path: string): Branch => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const made: Branch = { key: `folder:${path}`, kind: 'folder', label: file_name_of(path), id: null, hint: path, children: [] };
    folders.set(path, made);
    folder(folder_of(path)).children.push(made);
    return made;
  };
  for (const branch of branches) folder(folder_of(branch.hint)).children.push(branch);
  for (const each of folders.values()) {
    each.children.sort((a, b) => Number(a.kind !== 'folder') - Number(b.kind !== 'folder'));
  }
  return top.children;
}
