/** The element with that id, which the page's markup contains. */
export function find<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/** All text from people enters the page here, and only as text: markup in it is shown as typed. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/**
 * Sets the texts for the attributes in the markup: `data-word` for the text, `data-label` for the label,
 * `data-placeholder`.
 */
export function label(root: Document, language: string, words: Readonly<Record<string, unknown>>): void {
  root.documentElement.lang = language;
  for (const element of root.querySelectorAll<HTMLElement>('[data-word], [data-label], [data-placeholder]')) {
    const { word, label, placeholder } = element.dataset;
    if (word) element.textContent = String(words[word]);
    if (label) element.setAttribute('aria-label', String(words[label]));
    if (placeholder) element.setAttribute('placeholder', String(words[placeholder]));
  }
}
