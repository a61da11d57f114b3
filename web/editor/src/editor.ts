// A CodeMirror view on a body's Y.Text.
//
// CodeMirror counts a line break as one character whatever it is made of. Yjs counts UTF-16 units. They agree only if nothing but "\n" breaks a line:
// hence lineSeparator, and hence pasted CRLF becomes LF. A lone "\r" that is in the text stays in it as a character.
import { defaultKeymap, indentLess, indentMore } from '@codemirror/commands';
import { insertNewlineContinueMarkup, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown';
import { HighlightStyle, LanguageSupport, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import type { Extension } from '@codemirror/state';
import { Compartment, EditorState } from '@codemirror/state';
import { EditorView, dropCursor, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';

import type { Body } from './bodies';
import { code_lines } from './code_lines';
import { cursors } from './cursors';

const markdown_style = HighlightStyle.define([
  { tag: tags.heading1, class: 'md-h1' },
  { tag: tags.heading2, class: 'md-h2' },
  { tag: tags.heading3, class: 'md-h3' },
  { tag: [tags.heading4, tags.heading5, tags.heading6], class: 'md-h4' },
  { tag: tags.strong, class: 'md-strong' },
  { tag: tags.emphasis, class: 'md-emphasis' },
  { tag: tags.strikethrough, class: 'md-strike' },
  { tag: tags.link, class: 'md-link' },
  { tag: tags.url, class: 'md-url' },
  { tag: tags.monospace, class: 'md-code' },
  { tag: tags.quote, class: 'md-quote' },
  { tag: [tags.processingInstruction, tags.labelName, tags.contentSeparator], class: 'md-mark' },
  { tag: [tags.comment, tags.angleBracket, tags.tagName], class: 'md-mark' },
  { tag: tags.atom, class: 'md-task' },
]);

const fixed_extensions: Extension = [
  EditorState.lineSeparator.of('\n'),
  EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n')),
  EditorView.lineWrapping,
  // The line that is written on keeps clear of the window's edge and of the messages there.
  EditorView.scrollMargins.of(() => ({ top: 24, bottom: 96 })),
  EditorView.contentAttributes.of({
    spellcheck: 'true',
    autocorrect: 'on',
    autocapitalize: 'sentences',
    'aria-label': 'Text of the note, in Markdown',
  }),
  EditorState.allowMultipleSelections.of(false),
  indentUnit.of('  '),
  new LanguageSupport(markdownLanguage),
  syntaxHighlighting(markdown_style),
  code_lines,
  search({ top: true }),
  highlightSelectionMatches({ minSelectionLength: 3 }),
  dropCursor(),
  placeholder('Write…'),
  keymap.of([
    ...yUndoManagerKeymap,
    { key: 'Enter', run: insertNewlineContinueMarkup },
    ...markdownKeymap,
    { key: 'Mod-]', run: indentMore },
    { key: 'Mod-[', run: indentLess },
    ...searchKeymap,
    ...defaultKeymap,
  ]),
];

export class BodyEditor {
  readonly view: EditorView;
  /** The text holds something that is not text; nothing may be typed. */
  readonly readable_only: boolean;
  private readonly access = new Compartment();

  /** `lost_step` is called when view and document no longer have the same length: the view must be made anew. */
  constructor(
    private readonly body: Body,
    parent: HTMLElement,
    read_only: boolean,
    lost_step: () => void,
  ) {
    const text = body.text.toString();
    // Something in the text that is not text: positions would not agree, so nothing may be typed.
    this.readable_only = text.length !== body.text.length;
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        selection: { anchor: Math.min(body.selection.anchor, text.length), head: Math.min(body.selection.head, text.length) },
        extensions: [
          // The undo manager stands before the sync plug-in, which it watches.
          yCollab(body.text, null, { undoManager: body.undo }),
          cursors(body.awareness),
          this.access.of(access_extension(read_only || this.readable_only)),
          fixed_extensions,
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !this.readable_only && update.state.doc.length !== body.text.length) lost_step();
          }),
        ],
      }),
    });
  }

  set_read_only(read_only: boolean): void {
    this.view.dispatch({ effects: this.access.reconfigure(access_extension(read_only || this.readable_only)) });
  }

  focus(): void {
    this.view.focus();
  }

  /** Keeps the selection for the next view of this body. */
  destroy(): void {
    const { anchor, head } = this.view.state.selection.main;
    this.body.selection = { anchor, head };
    this.view.destroy();
  }
}

function access_extension(read_only: boolean): Extension {
  return [EditorState.readOnly.of(read_only), EditorView.editable.of(!read_only)];
}
