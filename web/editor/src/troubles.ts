// What does not work on the server's disk, as it tells the owner: asked for every few seconds while somebody looks at the page.
import { server_troubles } from './session';
import type { StatusText } from './status';

/** A file, or the store, that the disk does not let be written or read now. `unsaved`: there is text that is not in it. */
export interface Trouble {
  path: string;
  message: string;
  unsaved: boolean;
}

export interface Troubles {
  /** How the server notices what other programs do. */
  mode: 'events' | 'polling' | 'gone';
  message: string | null;
  hint: string | null;
  list: readonly Trouble[];
}

export const no_troubles: Troubles = { mode: 'events', message: null, hint: null, list: [] };

const store_path = '.diaryx/store.db';
const every_ms = 5_000;

/** What the status line says of them, the worst first; null if there is nothing to say. `open_path`: of the note on the screen. */
export function trouble_text(troubles: Troubles, open_path: string | null): StatusText | null {
  const store = troubles.list.find((trouble) => trouble.path === store_path);
  if (store !== undefined) return { tone: 'bad', text: `Nothing can be saved: ${store.message}`, detail: 'Keep this page open: what you typed is sent again as soon as the server can store it.' };
  const why = [troubles.message, troubles.hint].filter((part) => part !== null).join('; ');
  if (troubles.mode === 'gone') return { tone: 'bad', text: 'The folder of the notes is not there', detail: why };
  // Of the note itself, or of a folder that is away with it.
  const here =
    troubles.list.find((trouble) => trouble.path === open_path) ?? troubles.list.find((trouble) => open_path?.startsWith(`${trouble.path}/`) === true);
  if (here !== undefined) {
    const text = here.unsaved ? `Stored, but not in its file: ${here.message}` : `Its file cannot be read: ${here.message}`;
    return { tone: 'warn', text, detail: `${here.path}: ${here.message}. It is tried again until it works.` };
  }
  const unsaved = troubles.list.filter((trouble) => trouble.unsaved);
  if (unsaved.length > 0) {
    const text = unsaved.length === 1 ? '1 note is stored, but not in its file' : `${unsaved.length} notes are stored, but not in their files`;
    return { tone: 'warn', text, detail: unsaved.map((trouble) => `${trouble.path}: ${trouble.message}`).join('\n') };
  }
  if (troubles.mode === 'polling') return { tone: 'warn', text: 'Saved · changes by other programs are noticed late', detail: why };
  return null;
}

/** What the server answered, made safe to use. */
export function read_troubles(answer: unknown): Troubles {
  const { watching, troubles } = (answer ?? {}) as { watching?: Partial<Troubles>; troubles?: unknown };
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const mode = watching?.mode === 'polling' || watching?.mode === 'gone' ? watching.mode : 'events';
  const list = (Array.isArray(troubles) ? (troubles as Partial<Trouble>[]) : [])
    .filter((trouble) => typeof trouble.path === 'string' && typeof trouble.message === 'string')
    .map((trouble) => ({ path: trouble.path as string, message: trouble.message as string, unsaved: trouble.unsaved === true }));
  return { mode, message: text(watching?.message), hint: text(watching?.hint), list };
}

export class TroubleWatch {
  current: Troubles = no_troubles;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly on_change: () => void) {
    this.timer = setInterval(() => void this.look(), every_ms);
    void this.look();
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (document.hidden) return;
    // Without an answer the wire says what is wrong.
    const next = await server_troubles().catch(() => no_troubles);
    if (JSON.stringify(next) === JSON.stringify(this.current)) return;
    this.current = next;
    this.on_change();
  }
}
