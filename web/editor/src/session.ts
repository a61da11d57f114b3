// Who we are to the server: the secret of the printed address becomes a cookie, and the server says what it serves.

export interface ServerStatus {
  workspace_id: string;
  epoch: string;
}

/** The server does not know us. The remedy is the address that diaryx-sync printed. */
export class SignedOut extends Error {}
/** No server answered, or one that could not. Worth another try. */
export class Unreachable extends Error {}

/** Takes the secret out of `#token=…` and out of the address bar and this history entry. Nothing if there is none. */
export function take_token(): string | null {
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ''));
  const token = fragment.get('token');
  if (token === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

/** Trades the secret for the HttpOnly cookie. Throws SignedOut or Unreachable. */
export async function login(token: string): Promise<void> {
  await ask('api/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}

/** Throws SignedOut or Unreachable. */
export async function server_status(): Promise<ServerStatus> {
  const response = await ask('api/status', {});
  const status = (await response.json().catch(() => null)) as Partial<ServerStatus> | null;
  if (typeof status?.workspace_id !== 'string' || typeof status.epoch !== 'string') {
    throw new Unreachable('the server at this address is not diaryx-sync');
  }
  return { workspace_id: status.workspace_id, epoch: status.epoch };
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new Unreachable('diaryx-sync is not running at this address');
  }
  if (response.status === 401 || response.status === 403) throw new SignedOut(`${path}: ${response.status}`);
  if (!response.ok) throw new Unreachable(`the server answered ${response.status} to ${path}`);
  return response;
}
