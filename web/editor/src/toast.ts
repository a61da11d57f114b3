// Short messages at the foot of the page, with at most one thing to do about them; and notices that stay until they are dismissed.
import { h, icon } from './dom';

export interface Action {
  label: string;
  run: () => void;
}

const shown_ms = 8_000;

function shelf(): HTMLElement {
  return document.querySelector<HTMLElement>('.toasts') ?? document.body.appendChild(h('div', { class: 'toasts', attrs: { role: 'status', 'aria-live': 'polite' } }));
}

/** Goes away by itself, but not while the pointer or the keyboard is on it. */
export function toast(text: string, action?: Action): void {
  const element = box(text, action === undefined ? [] : [action], 'toast', true);
  let timer = setTimeout(() => element.remove(), shown_ms);
  const hold = () => clearTimeout(timer);
  const let_go = () => {
    clearTimeout(timer);
    timer = setTimeout(() => element.remove(), shown_ms / 2);
  };
  element.addEventListener('pointerenter', hold);
  element.addEventListener('focusin', hold);
  element.addEventListener('pointerleave', let_go);
  element.addEventListener('focusout', let_go);
  shelf().append(element);
}

/** Stays until it is dismissed: by the person, which calls `on_dismiss`, or by the function that it returns. The actions do not dismiss it. */
export function notice(text: string, actions: Action[], on_dismiss?: () => void): () => void {
  const element = box(text, actions, 'toast notice', false, on_dismiss);
  shelf().append(element);
  return () => element.remove();
}

function box(text: string, actions: Action[], css_class: string, closes_on_action: boolean, on_dismiss?: () => void): HTMLElement {
  const element = h('div', { class: css_class }, h('span', { class: 'toast-text', text }));
  for (const action of actions) {
    const run = () => {
      if (closes_on_action) element.remove();
      action.run();
    };
    element.append(h('button', { class: 'toast-action', text: action.label, attrs: { type: 'button' }, on: { click: run } }));
  }
  const dismiss = () => {
    element.remove();
    on_dismiss?.();
  };
  element.append(h('button', { class: 'icon-button', attrs: { type: 'button', 'aria-label': 'Dismiss' }, on: { click: dismiss } }, icon('close')));
  return element;
}
