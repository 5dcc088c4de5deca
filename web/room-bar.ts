import { find } from './dom.ts';
import { isSquare, pathTo, titleOf } from './room.ts';
import type { Words } from './words.ts';

/** Milliseconds for which a button shows that it is done. */
const SAID = 2_000;

/** The room's name, its address to share, and the way to another room. */
export class RoomBar {
  readonly #words: Words;
  readonly #room: string;
  readonly #panel = find('room-panel', HTMLElement);
  readonly #address = find('address', HTMLInputElement);
  readonly #copy = find('copy', HTMLButtonElement);
  readonly #form = find('other-room', HTMLFormElement);
  readonly #other = find('other-name', HTMLInputElement);

  constructor(words: Words, room: string) {
    this.#words = words;
    this.#room = room;
  }

  show(): void {
    const title = titleOf(this.#room);
    find('room-name', HTMLElement).textContent = title;
    if (!isSquare(this.#room)) find('entry-title', HTMLElement).textContent = this.#words.entryRoom(title);
    this.#address.value = new URL(`/${this.#room}`, location.href).href;
  }

  listen(): void {
    this.#copy.addEventListener('click', () => this.#copyAddress());
    this.#other.addEventListener('input', () => this.#other.setCustomValidity(''));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const path = pathTo(this.#other.value);
      if (path === `/${this.#room}`) this.#panel.hidePopover();
      else if (path) location.assign(path);
      else {
        this.#other.setCustomValidity(this.#words.noRoom);
        this.#other.reportValidity();
      }
    });
  }

  async #copyAddress(): Promise<void> {
    this.#address.select();
    // The clipboard API works only on https and localhost; the old command also works elsewhere.
    await (navigator.clipboard?.writeText(this.#address.value) ?? Promise.reject()).catch(() =>
      document.execCommand('copy'),
    );
    this.#copy.textContent = this.#words.copied;
    setTimeout(() => {
      this.#copy.textContent = this.#words.copy;
    }, SAID);
  }
}
