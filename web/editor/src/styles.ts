// CodeMirror brings its style rules along and would insert them as a <style> element, which our Content-Security-Policy (style-src 'self') forbids.
// Sheets that a script constructs are allowed. So we take over the one function through which every rule goes.
import { StyleModule } from 'style-mod';

/** Call once, before the first editor is made. */
export function adopt_editor_styles(): void {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let mounted: StyleModule[] = [];
  // Later modules win over earlier ones, as the original function promises.
  StyleModule.mount = (_root, given) => {
    const modules = [given].flat() as StyleModule[];
    if (modules.every((module) => mounted.includes(module))) return;
    mounted = [...mounted.filter((module) => !modules.includes(module)), ...modules];
    sheet.replaceSync(mounted.map((module) => module.getRules()).join('\n'));
  };
}
