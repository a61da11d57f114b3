// Who we are to the server: the secret of the printed address becomes a cookie, a guest's code comes along with each request; and the server says
// what it serves.
import type { Troubles } from './troubles';
import { read_troubles } from './troubles';

export interface ServerStatus {
  workspace_id: string;
  epoch: string;
  /** The folder's name. */
  root: string;
  /** As a guest: the code of the share, and what we call ourselves. */
  guest?: { code: string; id: string };
}

/** The server does not know us. The remedy is the address that diaryx-sync printed. */
export class SignedOut extends Error {}
/** The share that this guest came by is over, or there never was one. */
export class ShareEnded extends Error {}
/** No server answered, or one that could not. Worth another try. */
export class Unreachable extends Error {}

export function has_token(): boolean {
  return location.hash.startsWith('#token=');
}

/** Takes the secret out of `#token=…` and out of the address bar and this history entry. Nothing if there is none. */
export function take_token(): string | null {
  if (!has_token()) return null;
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

const signed_in_key = 'diaryx.signed_in';
const code_key = 'diaryx.share';
const guest_key = 'diaryx.guest';

export function has_code(): boolean {
  return location.hash.startsWith('#session=');
}

/** The guest's code: out of `#session=…`, or what this tab came by before. Nothing for the owner. */
export function take_code(): string | null {
  if (!has_code()) return sessionStorage.getItem(code_key);
  const code = new URLSearchParams(location.hash.slice(1)).get('session') ?? '';
  history.replaceState(null, '', location.pathname + location.search);
  sessionStorage.setItem(code_key, code);
  return code;
}

/** This tab is no guest's any more. */
export function forget_code(): void {
  sessionStorage.removeItem(code_key);
}

function guest_id(): string {
  const known = sessionStorage.getItem(guest_key);
  if (known !== null) return known;
  const octets = crypto.getRandomValues(new Uint8Array(9));
  const made = btoa(String.fromCharCode(...octets)).replaceAll('+', '-').replaceAll('/', '_');
  sessionStorage.setItem(guest_key, made);
  return made;
}

/** What a guest may know. Throws ShareEnded or Unreachable. */
export async function guest_status(code: string): Promise<ServerStatus> {
  const response = await ask(`api/share/sessions/${encodeURIComponent(code)}`, {});
  return { ...(await identity_of(response)), guest: { code, id: guest_id() } };
}

/** Trades the secret for the HttpOnly cookie. Throws SignedOut or Unreachable. */
export async function login(token: string): Promise<void> {
  await ask('api/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  try {
    localStorage.setItem(signed_in_key, String(Date.now()));
  } catch {
    // Other tabs are then not told; they find out when somebody clicks.
  }
}

/** Another tab of this browser has signed in, so the cookie is good for us too. */
export function on_signed_in_elsewhere(listener: () => void): void {
  window.addEventListener('storage', (event) => {
    if (event.key === signed_in_key) listener();
  });
}

/** Throws SignedOut or Unreachable. */
export async function server_status(): Promise<ServerStatus> {
  return identity_of(await ask('api/status', {}));
}

/** What does not work on the server's disk; the owner may know. Throws SignedOut or Unreachable. */
export async function server_troubles(): Promise<Troubles> {
  const response = await ask('api/status', {});
  return read_troubles(await response.json().catch(() => null));
}

async function identity_of(response: Response): Promise<ServerStatus> {
  const status = (await response.json().catch(() => null)) as Partial<ServerStatus> | null;
  if (typeof status?.workspace_id !== 'string' || typeof status.epoch !== 'string') {
    throw new Unreachable('the server at this address is not diaryx-sync');
  }
  return { workspace_id: status.workspace_id, epoch: status.epoch, root: typeof status.root === 'string' ? status.root : 'Notes' };
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new Unreachable('diaryx-sync is not running at this address');
  }
  if (response.status === 429) throw new Unreachable('there were too many attempts with a wrong secret; wait a little');
  if (response.status === 404) throw new ShareEnded(path);
  if (response.status === 401 || response.status === 403) throw new SignedOut(`${path}: ${response.status}`);
  if (!response.ok) throw new Unreachable(`the server answered ${response.status} to ${path}`);
  return response;
}
