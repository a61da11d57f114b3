// The line that says whether what was typed is safe.
import { h, set_text } from './dom';
import type { Troubles } from './troubles';
import { trouble_text } from './troubles';
import type { Wire } from './wire';

type Tone = 'good' | 'busy' | 'warn' | 'bad';

export interface StatusText {
  tone: Tone;
  text: string;
  detail: string;
}

/** "Saved" is said only when every local change has its receipt (channel.ts). */
export function status_of(wire: Wire, read_only: boolean, troubles: Troubles, open_path: string | null): StatusText {
  const waiting = wire.waiting;
  const wait_text = waiting === 1 ? '1 change waits' : `${waiting} changes wait`;
  const state = wire.state;
  const refusal = wire.refusals[0];
  switch (state.kind) {
    case 'stopped':
      return { tone: 'bad', text: waiting > 0 ? `Not connected · ${wait_text}` : 'Not connected', detail: state.reason };
    case 'offline':
      return {
        tone: 'warn',
        text: waiting > 0 ? `Offline · ${wait_text}` : 'Offline',
        detail: `${state.reason}. Keep writing: it is sent when the connection is back. Click to try now.`,
      };
    case 'connecting':
      return waiting > 0
        ? { tone: 'warn', text: `Connecting… · ${wait_text}`, detail: 'What waits is sent as soon as the server answers.' }
        : { tone: 'busy', text: 'Connecting…', detail: '' };
    case 'online': {
      if (refusal !== undefined) return { tone: 'bad', text: `Not saved · ${wait_text}`, detail: `${refusal.refused ?? ''}. Reload the page to see what the server has.` };
      const trouble = trouble_text(troubles, open_path);
      if (trouble?.tone === 'bad') return trouble;
      if (waiting > 0) return { tone: 'busy', text: 'Saving…', detail: wait_text };
      if (trouble !== null) return trouble;
      if (read_only) return { tone: 'good', text: 'Read-only', detail: 'You can read along; the owner has not allowed changes.' };
      return { tone: 'good', text: 'Saved', detail: 'Everything you typed is stored by diaryx-sync.' };
    }
  }
}

export class StatusLine {
  readonly element: HTMLElement;
  private readonly text = h('span', { class: 'status-text', text: 'Connecting…' });
  private readonly button: HTMLButtonElement;
  // Told to screen readers: the connection, not every "Saving…".
  private readonly announcer = h('span', { class: 'visually-hidden', attrs: { 'aria-live': 'polite' } });
  private announced: Tone = 'good';

  constructor(on_click: () => void) {
    this.button = h('button', { class: 'status', attrs: { type: 'button' }, on: { click: on_click } }, h('span', { class: 'status-dot' }), this.text);
    this.element = h('div', { class: 'status-line' }, this.button, this.announcer);
  }

  show(status: StatusText): void {
    set_text(this.text, status.text);
    this.button.dataset['tone'] = status.tone;
    this.button.title = status.detail;
    if (status.tone === 'busy' || status.tone === this.announced) return;
    this.announced = status.tone;
    set_text(this.announcer, status.tone === 'good' ? 'Connected' : `${status.text}. ${status.detail}`);
  }
}
