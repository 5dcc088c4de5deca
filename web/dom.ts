/** The element of the page with that id; the page's own markup promises it. */
export function find<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/** Whatever people write enters the page here, and only as text: markup in it stays what they typed. */
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

/** Puts the words where the markup asks: `data-word` for the text, `data-label` for the label, `data-placeholder`. */
export function label(root: Document, language: string, words: Readonly<Record<string, unknown>>): void {
  root.documentElement.lang = language;
  for (const element of root.querySelectorAll<HTMLElement>('[data-word], [data-label], [data-placeholder]')) {
    const { word, label, placeholder } = element.dataset;
    if (word) element.textContent = String(words[word]);
    if (label) element.setAttribute('aria-label', String(words[label]));
    if (placeholder) element.setAttribute('placeholder', String(words[placeholder]));
  }
}
