// One modal question at a time. The element is the browser's own <dialog>: Escape, focus and the backdrop come with it.
import { h } from './dom';

export interface Question {
  title: string;
  body: (Node | string)[];
  confirm: string;
  danger?: boolean;
  /** Says why the answer will not do, or null if it does. Called on every input, and before confirming. */
  problem?: () => string | null;
}

/** Resolves to whether the person confirmed. */
export function ask(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const problem = h('p', { class: 'dialog-problem', attrs: { role: 'alert' } });
    const confirm = h('button', { class: question.danger ? 'button danger' : 'button primary', text: question.confirm, attrs: { type: 'submit' } });
    const cancel = h('button', { class: 'button', text: 'Cancel', attrs: { type: 'button' }, on: { click: () => dialog.close() } });
    let touched = false;
    let confirmed = false;
    const check = (): boolean => {
      const text = question.problem?.() ?? null;
      problem.textContent = touched ? (text ?? '') : '';
      confirm.disabled = text !== null;
      return text === null;
    };
    const form = h(
      'form',
      {
        on: {
          submit: (event) => {
            event.preventDefault();
            if (!check()) return;
            confirmed = true;
            dialog.close();
          },
          input: () => {
            touched = true;
            check();
          },
        },
      },
      h('h2', { text: question.title, attrs: { id: 'dialog-title' } }),
      ...question.body,
      problem,
      h('div', { class: 'dialog-buttons' }, cancel, confirm),
    );
    const dialog = h('dialog', { class: 'dialog', attrs: { 'aria-labelledby': 'dialog-title' } }, form);
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(confirmed);
    });
    // A click beside the box means no.
    dialog.addEventListener('pointerdown', (event) => {
      if (event.target === dialog) dialog.close();
    });
    document.body.append(dialog);
    check();
    dialog.showModal();
    const first = dialog.querySelector<HTMLInputElement>('input[type=text]');
    if (first !== null) {
      first.focus();
      first.select();
    } else {
      confirm.focus();
    }
  });
}

/** A labelled text field. */
export function field(label: string, value: string, attrs: Record<string, string> = {}): { row: HTMLElement; input: HTMLInputElement } {
  const input = h('input', { attrs: { type: 'text', autocomplete: 'off', spellcheck: 'false', ...attrs } });
  input.value = value;
  return { row: h('label', { class: 'field' }, h('span', { text: label }), input), input };
}
