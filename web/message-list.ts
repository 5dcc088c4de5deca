import { avatar, tintOf } from './avatar.ts';
import type { Notice, Said } from './conversation.ts';
import { create, find } from './dom.ts';
import type { Words } from './words.ts';

/** Messages of one person within this time are grouped under one name, in ms. */
const TOGETHER = 5 * 60_000;
/** Older lines are removed, so that a tab left open for weeks stays fast. */
const KEPT = 1000;
/** This near to the end counts as being at the end, in pixels: about two lines. */
const NEAR = 60;

interface Last {
  author: string;
  mine: boolean;
  at: number;
}

/** The list of messages and events, and of what waits to be sent. */
export class MessageList {
  readonly #words: Words;
  readonly #time: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #scroller = find('scroller', HTMLElement);
  readonly #log = find('log', HTMLOListElement);
  readonly #pending = find('pending', HTMLOListElement);
  readonly #empty = find('empty', HTMLDivElement);
  readonly #newest = find('newest', HTMLButtonElement);
  #last: Last | undefined;
  #shownDay: string;
  #unseen = 0;
  #following = true;

  constructor(words: Words, language: string) {
    this.#words = words;
    this.#time = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
    this.#day = new Intl.DateTimeFormat(language, { dateStyle: 'full' });
    this.#moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
    this.#shownDay = this.#day.format(Date.now());
  }

  listen(): void {
    let top = 0;
    this.#scroller.addEventListener('scroll', () => {
      const { scrollTop } = this.#scroller;
      // Only scrolling up detaches from the end: the end also moves when the window shrinks.
      if (this.#distance() < NEAR) this.#sawAll();
      else if (scrollTop < top) this.#following = false;
      top = scrollTop;
    });
    // A phone's keyboard, or a growing text box, must not hide the last line while it is being read.
    new ResizeObserver(() => this.#follow()).observe(this.#scroller);
    this.#newest.addEventListener('click', () => {
      this.toEnd();
      this.#scroller.focus();
    });
  }

  toEnd(): void {
    this.#following = true;
    this.#follow();
  }

  said({ author, text, at, mine }: Said): void {
    this.#newDay(at);
    const key = `${author.id} ${author.name}`;
    const last = this.#last;
    const first = !last || last.author !== key || last.mine !== mine || at - last.at > TOGETHER;
    this.#last = { author: key, mine, at };

    const item = create('li', mine ? 'message mine' : 'message');
    const name = create('bdi', 'name', author.name);
    name.dataset.tint = tintOf(author.id);
    // Screen readers read the name each time; on screen it is shown where it changes, and not for one's own messages.
    if (mine || !first) name.classList.add('unseen');
    if (first) {
      item.classList.add('first');
      const head = create('div', 'head');
      head.append(name, this.#timeOf(at));
      item.append(head);
      if (!mine) item.append(avatar(author));
    } else {
      item.append(name);
    }
    const bubble = this.#bubble(text);
    bubble.title = this.#moment.format(at);
    item.append(bubble);
    this.#append(item, !mine);
  }

  notice(notice: Notice): void {
    this.#last = undefined;
    const word = this.#words[notice.kind];
    const item = create('li', 'notice');
    item.append(
      create('bdi', '', typeof word === 'string' ? word : word('name' in notice ? notice.name : '')),
      this.#timeOf(Date.now()),
    );
    this.#append(item, false);
  }

  pending(texts: readonly string[]): void {
    // Usually there is nothing to do: this runs for each message that arrives.
    if (texts.length === 0 && this.#pending.childElementCount === 0) return;
    this.#empty.hidden ||= texts.length > 0;
    const items = texts.map((text, index) => {
      const item = create('li', 'message mine pending');
      item.append(this.#bubble(text));
      if (index === texts.length - 1) item.append(create('span', 'waiting', this.#words.waiting));
      return item;
    });
    this.#pending.replaceChildren(...items);
    this.#follow();
  }

  #bubble(text: string): HTMLElement {
    const bubble = create('p', 'text', text);
    bubble.dir = 'auto';
    return bubble;
  }

  #timeOf(at: number): HTMLTimeElement {
    const time = create('time', '', this.#time.format(at));
    time.dateTime = new Date(at).toISOString();
    return time;
  }

  #newDay(at: number): void {
    const day = this.#day.format(at);
    if (day === this.#shownDay) return;
    this.#shownDay = day;
    this.#last = undefined;
    this.#append(create('li', 'notice day', day), false);
  }

  #append(item: HTMLElement, countsAsNew: boolean): void {
    this.#empty.hidden ||= item.classList.contains('message');
    this.#log.append(item);
    if (this.#log.childElementCount > KEPT) this.#log.firstElementChild?.remove();
    if (this.#following) {
      this.#follow();
    } else if (countsAsNew) {
      this.#unseen += 1;
      this.#newest.textContent = this.#words.newMessages(this.#unseen);
      this.#newest.hidden = false;
    }
  }

  #distance(): number {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
  }

  #follow(): void {
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #sawAll(): void {
    this.#following = true;
    this.#unseen = 0;
    this.#newest.hidden = true;
  }
}
