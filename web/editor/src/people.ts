// The row of people at the top: the others in this workspace, and this person, who may change name and colour there.
import { ask, field } from './dialog';
import { h, set_attr } from './dom';
import type { Peer, Person } from './presence';
import { clean_name, initials, palette } from './presence';

const most_shown = 5;

export class PeopleBar {
  readonly element = h('div', { class: 'people' });
  private readonly others = h('span', { class: 'others' });
  private readonly me: HTMLButtonElement;

  constructor(
    private person: Person,
    private readonly on_change: (person: Person) => void,
    private readonly visit: (peer: Peer) => void,
  ) {
    this.me = h('button', { class: 'avatar me', attrs: { type: 'button' }, on: { click: () => void this.edit() } });
    this.element.append(this.others, this.me);
    this.show_me();
  }

  /** `title_of` names the note that a peer has open; null if it has none. */
  show(peers: Peer[], title_of: (peer: Peer) => string | null): void {
    const shown = peers.slice(0, most_shown).map((peer) => {
      const title = title_of(peer);
      const text = title === null ? peer.name : `${peer.name}, in “${title}”`;
      const avatar = h('button', { class: 'avatar', text: initials(peer.name), attrs: { type: 'button', title: text, 'aria-label': text }, on: { click: () => this.visit(peer) } });
      avatar.style.setProperty('--peer', peer.color);
      return avatar;
    });
    const more = peers.length - shown.length;
    this.others.replaceChildren(...shown, ...(more > 0 ? [h('span', { class: 'more', text: `+${more}` })] : []));
  }

  private show_me(): void {
    this.me.textContent = initials(this.person.name);
    this.me.style.setProperty('--peer', this.person.color);
    set_attr(this.me, 'title', `You are ${this.person.name}. Click to change.`);
    set_attr(this.me, 'aria-label', `You are ${this.person.name}. Change name or colour`);
  }

  private async edit(): Promise<void> {
    const { row, input } = field('Name', this.person.name, { maxlength: '40' });
    const swatches = palette.map((color, index) => {
      const radio = h('input', { attrs: { type: 'radio', name: 'color', value: color, 'aria-label': `Colour ${index + 1}` } });
      radio.checked = color === this.person.color;
      const swatch = h('label', { class: 'swatch' }, radio, h('span'));
      swatch.style.setProperty('--peer', color);
      return { radio, swatch };
    });
    if (!swatches.some(({ radio }) => radio.checked) && swatches[0] !== undefined) swatches[0].radio.checked = true;
    const colors = h('fieldset', { class: 'swatches' }, h('legend', { text: 'Colour' }), ...swatches.map(({ swatch }) => swatch));
    const confirmed = await ask({
      title: 'How others see you',
      body: [row, colors],
      confirm: 'Keep',
      problem: () => (clean_name(input.value) === '' ? 'A name is missing.' : null),
    });
    if (!confirmed) return;
    const color = swatches.find(({ radio }) => radio.checked)?.radio.value ?? this.person.color;
    this.person = { name: clean_name(input.value), color };
    this.show_me();
    this.on_change(this.person);
  }
}
