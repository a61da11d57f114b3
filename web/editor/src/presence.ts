// Who is here: this person's name and colour, and what the others say of themselves.
//
// Awareness states have the fields that Yjs editors agree on: `user` {name, color, colorLight}, `cursor` {anchor, head} in a body. In the workspace
// document we add `note`, the id of the note that the person has open.
import type { Awareness } from 'y-protocols/awareness';

export interface Person {
  name: string;
  color: string;
}

export interface Peer extends Person {
  client: number;
  /** The id of the note that the peer has open, if it says so. */
  note: string | null;
}

/** Dark enough for white letters on them, and told apart by most eyes. */
export const palette = ['#b4452c', '#b0641a', '#7a7416', '#3f7d3a', '#14796f', '#2a6fb0', '#5f57c2', '#9a4a9e', '#b03a6b', '#6b5d52'] as const;

const storage_key = 'diaryx.person';
const longest_name = 40;
const adjectives = ['Amber', 'Brisk', 'Calm', 'Clever', 'Gentle', 'Merry', 'Quiet', 'Silver', 'Sunny', 'Swift', 'Warm', 'Witty'];
const animals = ['Badger', 'Crane', 'Finch', 'Fox', 'Hare', 'Heron', 'Lynx', 'Marten', 'Otter', 'Owl', 'Robin', 'Wren'];

/** From this browser's storage; a friendly one by chance at first. */
export function load_person(): Person {
  try {
    const stored = JSON.parse(localStorage.getItem(storage_key) ?? 'null') as Partial<Person> | null;
    if (typeof stored?.name === 'string' && stored.name !== '' && is_color(stored.color)) return { name: stored.name, color: stored.color };
  } catch {
    // Storage that is switched off or holds something else: chance decides, as on a first visit.
  }
  const person = { name: `${pick(adjectives)} ${pick(animals)}`, color: pick(palette) };
  save_person(person);
  return person;
}

export function save_person(person: Person): void {
  try {
    localStorage.setItem(storage_key, JSON.stringify(person));
  } catch {
    // Without storage the name lasts as long as the page.
  }
}

export function clean_name(typed: string): string {
  return typed.replace(/\p{Cc}+/gu, ' ').trim().slice(0, longest_name);
}

/** The `user` field of an awareness state. */
export function user_field(person: Person): { name: string; color: string; colorLight: string } {
  return { name: person.name, color: person.color, colorLight: `${person.color}33` };
}

/** What a peer says of itself, made safe to show: a short name, and a colour that is one. */
export function read_peer(client: number, state: Record<string, unknown>): Peer {
  const user = (typeof state['user'] === 'object' && state['user'] !== null ? state['user'] : {}) as Record<string, unknown>;
  const name = typeof user['name'] === 'string' ? clean_name(user['name']) : '';
  return {
    client,
    name: name || 'Somebody',
    color: is_color(user['color']) ? user['color'] : (palette[client % palette.length] ?? palette[0]),
    note: typeof state['note'] === 'string' ? state['note'] : null,
  };
}

/** Everybody else in the document, in the order of their client ids. */
export function peers_in(awareness: Awareness): Peer[] {
  const peers: Peer[] = [];
  for (const [client, state] of awareness.getStates()) {
    if (client !== awareness.doc.clientID) peers.push(read_peer(client, state));
  }
  return peers.sort((a, b) => a.client - b.client);
}

export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...(word ?? '?')][0] ?? '').join('').toLocaleUpperCase();
}

function is_color(value: unknown): value is string {
  return typeof value === 'string' && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value);
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
