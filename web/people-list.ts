import { avatar } from './avatar.ts';
import type { Person } from './conversation.ts';
import { create, find } from './dom.ts';
import type { Words } from './words.ts';

/** A longer list is not useful, and would slow the page. */
const SHOWN = 200;

/** The people who are here: beside the conversation, or behind a button on a narrow screen. */
export class PeopleList {
  readonly #words: Words;
  readonly #panel = find('people', HTMLElement);
  readonly #list = find('people-list', HTMLUListElement);
  readonly #button = find('people-button', HTMLButtonElement);
  readonly #count = find('people-count', HTMLSpanElement);

  constructor(words: Words) {
    this.#words = words;
  }

  listen(): void {
    this.#button.addEventListener('click', () => this.#open(this.#button.ariaExpanded !== 'true'));
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.#button.ariaExpanded !== 'true') return;
      this.#open(false);
      this.#button.focus();
    });
    document.addEventListener('click', ({ target }) => {
      if (target instanceof Node && !this.#panel.contains(target) && !this.#button.contains(target)) this.#open(false);
    });
  }

  show(visible: boolean): void {
    this.#panel.hidden = this.#button.hidden = !visible;
    if (!visible) this.#open(false);
  }

  set(people: readonly Person[], me: string): void {
    this.#count.textContent = String(people.length);
    this.#button.setAttribute('aria-label', `${this.#words.whoIsHere} (${people.length})`);
    const items = people.slice(0, SHOWN).map((person) => {
      const item = create('li');
      item.append(avatar(person), create('bdi', 'person', person.name));
      if (person.id === me) item.append(create('span', 'you', this.#words.you));
      return item;
    });
    if (people.length > SHOWN) items.push(create('li', 'more', this.#words.andMore(people.length - SHOWN)));
    this.#list.replaceChildren(...items);
  }

  /** `data-open` only has an effect on narrow screens. */
  #open(open: boolean): void {
    this.#button.ariaExpanded = String(open);
    this.#panel.toggleAttribute('data-open', open);
  }
}
