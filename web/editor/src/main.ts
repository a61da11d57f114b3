// Where the page begins: who are we, and which workspace is it.
import { App } from './app';
import { download, h } from './dom';
import { ShareEnded, SignedOut, forget_code, guest_status, has_code, has_token, login, on_signed_in_elsewhere, server_status, take_code, take_token } from './session';
import { adopt_editor_styles } from './styles';
import { notice, toast } from './toast';

let app: App | null = null;
let retry_timer: ReturnType<typeof setTimeout> | undefined;
let kept_unsaved = 0;
let dismiss_sign_in: (() => void) | null = null;

adopt_editor_styles();
window.addEventListener('hashchange', () => {
  // A fresh address pasted into this page's own address bar.
  if (has_token()) void begin();
  else if (has_code()) location.reload(); // Another share is another history: nothing of this page may be merged into it.
});
on_signed_in_elsewhere(() => {
  if (app === null || dismiss_sign_in !== null) void begin();
});
window.addEventListener('beforeunload', (event) => {
  if (kept_unsaved > 0) event.preventDefault();
});
void begin();

async function begin(token = take_token()): Promise<void> {
  clearTimeout(retry_timer);
  if (app === null) show_gate('Connecting…', []);
  app?.show_address();
  try {
    if (token !== null) {
      forget_code();
      await login(token);
    }
    const code = take_code();
    const check = code === null ? server_status : () => guest_status(code);
    const status = await check();
    dismiss_sign_in?.();
    dismiss_sign_in = null;
    if (app !== null) return app.retry_now();
    app = new App(status, check, { signed_out, other_epoch: () => void start_afresh() });
    show_page(app.element);
    await app.start();
  } catch (error) {
    if (error instanceof ShareEnded) return share_ended();
    if (error instanceof SignedOut) return signed_out(token !== null);
    if (app !== null) return toast(error instanceof Error ? sentence(error.message) : 'Something went wrong.');
    show_gate('No connection', [`${error instanceof Error ? sentence(error.message) : 'Something went wrong.'} This page tries again by itself.`], true);
    retry_timer = setTimeout(() => void begin(token), 3_000);
  }
}

function signed_out(with_token = false): void {
  const reason = with_token
    ? 'This address is from an earlier run of diaryx-sync, or not complete.'
    : 'This browser does not know the secret of your notes yet, or diaryx-sync was started anew since.';
  // What is typed and not sent yet is worth more than the message: then the page stays, and says it in a notice.
  if (app !== null) {
    dismiss_sign_in ??= notice(`${reason} Open the address that diaryx-sync printed, in this browser, to go on. What you typed stays here.`, []);
    return;
  }
  show_gate('Open the address that diaryx-sync printed', [reason, 'Look in the terminal where diaryx-sync serve runs: it printed an address that ends in #token=… and a long secret.'], true);
}

function share_ended(): void {
  forget_code();
  if (app !== null) return; // It says so itself, and keeps what was typed.
  show_gate('This share is over', ['The code in this address is not good any more, or was never. Ask the owner of the notes for a new one.']);
}

// The store was rebuilt. What is in memory comes from another history and must not be merged: the person gets a copy, and the page starts afresh.
async function start_afresh(): Promise<void> {
  const copies = app?.copies() ?? [];
  app?.dispose();
  app = null;
  const unsaved = copies.filter((copy) => copy.unsaved);
  const kept = unsaved.length > 0 ? unsaved : copies.slice(-1);
  await begin();
  if (kept.length === 0) return toast('The workspace was rebuilt, and this page was loaded afresh.');
  kept_unsaved += unsaved.length;
  const text =
    unsaved.length > 0
      ? 'The workspace was rebuilt while you had changes that were not saved. Nothing was merged; here is your text.'
      : 'The workspace was rebuilt, and this page was loaded afresh. Here is the text that you had open.';
  const actions = kept.map((copy) => ({ label: `Download ${copy.file_name}`, run: () => download(copy.file_name, copy.text) }));
  notice(text, actions, () => (kept_unsaved -= unsaved.length));
}

function show_gate(title: string, paragraphs: string[], with_button = false): void {
  const button = h('button', { class: 'button primary', text: 'Try again', attrs: { type: 'button' }, on: { click: () => void begin() } });
  const card = h('main', { class: 'gate-card' }, h('h1', { text: title }), ...paragraphs.map((text) => h('p', { text })), with_button ? button : null);
  document.title = 'diaryx-sync';
  show_page(h('div', { class: 'gate' }, card));
}

// The messages at the foot outlive the page that they came from.
function show_page(element: HTMLElement): void {
  for (const child of [...document.body.children]) if (!child.classList.contains('toasts')) child.remove();
  document.body.prepend(element);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
