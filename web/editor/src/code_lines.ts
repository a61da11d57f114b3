// Lines of fenced and indented code get a class of their own, so that a block looks like one.
import { syntaxTree } from '@codemirror/language';
import type { Range } from '@codemirror/state';
import type { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view';
import { Decoration, ViewPlugin } from '@codemirror/view';

const code_line = Decoration.line({ class: 'md-code-line' });

class CodeLines {
  decorations: DecorationSet;

  constructor(view: EditorView) {
    this.decorations = this.draw(view);
  }

  update(update: ViewUpdate): void {
    if (update.docChanged || update.viewportChanged || syntaxTree(update.state) !== syntaxTree(update.startState)) this.decorations = this.draw(update.view);
  }

  private draw(view: EditorView): DecorationSet {
    const lines: Range<Decoration>[] = [];
    const { doc } = view.state;
    let next = 0; // Visible ranges may share a line.
    for (const { from, to } of view.visibleRanges) {
      syntaxTree(view.state).iterate({
        from,
        to,
        enter: (node) => {
          if (node.name !== 'FencedCode' && node.name !== 'CodeBlock') return;
          const last = doc.lineAt(Math.min(node.to, to)).number;
          for (let number = Math.max(doc.lineAt(Math.max(node.from, from)).number, next); number <= last; number++) {
            lines.push(code_line.range(doc.line(number).from));
            next = number + 1;
          }
        },
      });
    }
    return Decoration.set(lines);
  }
}

export const code_lines = ViewPlugin.fromClass(CodeLines, { decorations: (plugin) => plugin.decorations });
