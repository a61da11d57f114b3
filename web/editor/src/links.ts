// Paths, file names and link texts, by the rules of engine/workspace/link.h.

const longest_component_bytes = 200;

export function folder_of(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function file_name_of(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function join_path(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** "journal/utility_index.md" → "Utility Index". */
export function path_to_title(path: string): string {
  const words = file_name_of(path).replace(/\.md$/i, '').split(/[-_\s]+/u).filter((word) => word !== '');
  return words.map((word) => word.charAt(0).toLocaleUpperCase() + word.slice(1)).join(' ') || path;
}

/** "Hello World!" → "hello-world.md"; nothing usable → "untitled.md". */
export function title_to_file_name(title: string): string {
  const stem = title.toLowerCase().replace(/[^\p{Alphabetic}\p{Number}]+/gu, '-').replace(/^-+|-+$/g, '');
  return `${cut_to_bytes(stem, longest_component_bytes - 16).replace(/-+$/, '') || 'untitled'}.md`;
}

// Whole code points only.
function cut_to_bytes(text: string, limit: number): string {
  const encoder = new TextEncoder();
  let out = '';
  let used = 0;
  for (const character of text) {
    used += encoder.encode(character).length;
    if (used > limit) break;
    out += character;
  }
  return out;
}

/** `path`, or with -2, -3, … before the extension: the first that is not taken. Case does not tell two paths apart. */
export function free_path(path: string, taken: (lower_case_path: string) => boolean): string {
  const stem = path.replace(/\.md$/i, '');
  let candidate = path;
  for (let n = 2; taken(candidate.toLowerCase()); n++) candidate = `${stem}-${n}.md`;
  return candidate;
}

/** What a person typed as a path, made canonical; or why it is none. */
export function read_path(typed: string): { path: string } | { problem: string } {
  let path = typed.trim().normalize('NFC').replace(/\\/g, '/').replace(/^(\.?\/)+/, '').replace(/\/{2,}/g, '/');
  if (path === '' || path.endsWith('/')) return { problem: 'A file name is missing.' };
  if (!/\.md$/i.test(path)) path += '.md';
  for (const component of path.split('/')) {
    if (component === '.' || component === '..') return { problem: 'A path cannot contain “.” or “..”.' };
    if (component === '.diaryx' || component === '.git') return { problem: `“${component}” is not for notes.` };
    if (/\p{Cc}/u.test(component)) return { problem: 'A path cannot contain control characters.' };
    if (new TextEncoder().encode(component).length > longest_component_bytes) return { problem: 'A name in the path is too long.' };
  }
  return { path };
}

/** The label and target of `[Label](target)`, or the plain text as the target. */
export function parse_link(text: string): { label: string | null; target: string } {
  const match = /^\s*\[(.*)\]\(\s*(?:<([^>]*)>|([^)\s]*))\s*\)\s*$/su.exec(text);
  if (match === null) return { label: null, target: text.trim() };
  return { label: match[1] || null, target: (match[2] ?? match[3] ?? '').trim() };
}
