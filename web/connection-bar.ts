import type { Conversation, Status } from './conversation.ts';
import { find } from './dom.ts';
import type { Words } from './words.ts';

/** The state of the connection, always visible, with what the user can do when it fails. */
export class ConnectionBar {
  readonly #words: Words;
  readonly #state = find('state', HTMLParagraphElement);
  readonly #stateText = find('state-text', HTMLSpanElement);
  readonly #trouble = find('trouble', HTMLDivElement);
  readonly #troubleText = find('trouble-text', HTMLSpanElement);
  readonly #countdown = find('countdown', HTMLSpanElement);
  readonly #retry = find('retry', HTMLButtonElement);
  #ticking: ReturnType<typeof setInterval> | undefined;
  #troubled = false;

  constructor(words: Words) {
    this.#words = words;
  }

  show(status: Status, conversation: Conversation): void {
    this.#state.dataset.status = status;
    this.#stateText.textContent = this.#words[status];

    // An attempt to reconnect still counts as trouble: the bar must not come and go with each attempt.
    this.#troubled = status === 'lost' || status === 'ended' || (this.#troubled && status === 'entering');
    this.#trouble.hidden = !this.#troubled;
    if (status === 'lost')
      this.#troubleText.textContent = this.#words[conversation.welcomed ? 'lostLong' : 'unreachable'];
    if (status === 'ended') this.#troubleText.textContent = this.#words.refused;
    this.#retry.disabled = status === 'entering';

    clearInterval(this.#ticking);
    this.#countdown.textContent = status === 'entering' ? this.#words.entering : '';
    if (status !== 'lost') return;
    const count = () => {
      const seconds = Math.max(1, Math.ceil(conversation.retryIn / 1000));
      this.#countdown.textContent = this.#words.tryingAgainIn(seconds);
    };
    count();
    this.#ticking = setInterval(count, 250);
  }
}
