// Building elements without markup strings: text goes in as text nodes, so nothing that a note or a peer says can become HTML.

type Handlers = { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };

export interface Props {
  class?: string;
  text?: string;
  attrs?: Record<string, string | number | boolean | undefined>;
  on?: Handlers;
}

export type Child = Node | string | null | undefined;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class !== undefined) element.className = props.class;
  if (props.text !== undefined) element.textContent = props.text;
  for (const [name, value] of Object.entries(props.attrs ?? {})) set_attr(element, name, value);
  for (const [name, handler] of Object.entries(props.on ?? {})) element.addEventListener(name, handler as EventListener);
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** `true` sets an empty attribute; `false` and `undefined` remove it. */
export function set_attr(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else {
    const text = value === true ? '' : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Sets the text only when it differs, so that a selection in it survives and screen readers are not told twice. */
export function set_text(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

// Stroked on a 20 × 20 grid.
const icon_paths = {
  plus: 'M10 4v12M4 10h12',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  close: 'M5 5l10 10M15 5L5 15',
  chevron: 'M8 5.5l4.5 4.5L8 14.5',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5',
  pencil: 'M4 16l.8-3.4L13.4 4 16 6.6 7.4 15.2z',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  folder: 'M3 15.5v-11h5l1.5 2H17v9z',
} as const;

export type IconName = keyof typeof icon_paths;

export function icon(name: IconName): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', icon_paths[name]);
  svg.append(path);
  return svg;
}

/** Calls `work` once, before the next frame, however often it is asked for. A hidden page has no frames: a timer stands in. */
export function once_per_frame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const run = () => {
      asked = false;
      work();
    };
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else setTimeout(run, 16);
  };
}

/** Offers `text` to the person as a file of their own. */
export function download(file_name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/markdown;charset=utf-8' }));
  const link = h('a', { attrs: { href: url, download: file_name } });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
