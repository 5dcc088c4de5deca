import { type Broker, type Entry, isRewritable } from '../../broker/index.ts';
import type { JsonText, Meta, Position } from '../../protocol/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { checkName } from '../channel-name.ts';
import { futureOf } from './history.ts';
import type { Pages } from './pages.ts';
import { checkSize } from './publisher.ts';
import type { ChannelRules } from './rules.ts';

export interface EditsContext {
  readonly broker: Broker;
  readonly rules: ChannelRules;
  readonly pages: Pages;
}

/** Entries that are read at once when looking for copies. */
const PAGE = 256;

/**
 * Erases and replaces publications. The entry is changed in the log first; then a notice is published, an entry of its
 * own that names the offset. So a reader who has the old data hears of it in the order of the log, also one who was away,
 * or is told of a gap; and a reader who catches up from before sees only the new state.
 */
export class Edits {
  readonly #context: EditsContext;
  /** By channel, the last change that was asked for: one after the other. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(context: EditsContext) {
    this.#context = context;
  }

  /**
   * Resolves with the position of the notice.
   * @throws ProtocolError BAD_POSITION, NOT_OFFERED, TOO_LARGE; ZocaloError LOG_….
   */
  change(name: string, at: Position, data: JsonText | undefined): Promise<Position> {
    checkName(name);
    const changed = (this.#last.get(name) ?? Promise.resolve()).then(() => this.#change(name, at, data));
    const settled = changed
      .catch(() => {}) // its caller is told
      .then(() => {
        if (this.#last.get(name) === settled) this.#last.delete(name);
      });
    this.#last.set(name, settled);
    return changed;
  }

  async #change(name: string, [epoch, offset]: Position, data: JsonText | undefined): Promise<Position> {
    const { broker, rules, pages } = this.#context;
    if (!isRewritable(broker)) throw new ProtocolError('NOT_OFFERED', `the log of ${name} cannot be changed`);
    if (data) checkSize(name, rules.of(name), data.text);
    const log = await broker.state(name);
    if (log.epoch !== epoch) throw new ProtocolError('BAD_POSITION', `${name} has another log than ${epoch}`);
    if (offset < 1 || offset > log.head)
      throw new ProtocolError('BAD_POSITION', futureOf(name, log.head, [epoch, offset]));
    const entry = await this.#entry(name, epoch, offset);
    const meta = parsed(entry);
    // The notice of a replacement stands for what was replaced.
    const of = meta.replaces ?? offset;
    const original = of === offset ? entry : await this.#entry(name, epoch, of);
    const state = data ? { replaced: true as const } : { erased: true as const };
    const before = parsed(original);
    if (data && before.erased) throw new ProtocolError('BAD_POSITION', `publication ${of} of ${name} was erased`);
    if (original)
      await broker.rewrite(name, [epoch, of], {
        data: data?.text ?? 'null',
        meta: JSON.stringify({ ...before, ...state }),
      });
    // A replacement marks the original before it announces its copy. Without the mark, copies are behind what was there.
    await this.#emptyCopies(name, epoch, of, original && !before.replaced ? log.head : of);
    pages.forget();
    const { position } = await broker.publish(name, {
      data: data?.text ?? 'null',
      meta: JSON.stringify({ event: before.event, ...(data ? { replaces: of } : { erases: of }) }),
      keep: rules.of(name).keep,
      isUnqueued: true,
    });
    return position;
  }

  /** Earlier replacements were announced with their data, which is not valid any more. All are after the offset `from`. */
  async #emptyCopies(name: string, epoch: string, of: number, from: number): Promise<void> {
    const { broker } = this.#context;
    const { oldest } = await broker.state(name);
    for (let after = Math.max(from, oldest - 1); ; ) {
      const page = await broker.read(name, [epoch, after], { limit: PAGE });
      if (page.gap || page.entries.length === 0) return;
      for (const entry of page.entries) {
        after = entry.offset;
        const meta = parsed(entry);
        if (meta.replaces !== of || meta.erased || !isRewritable(broker)) continue;
        await broker.rewrite(name, [epoch, after], { data: 'null', meta: JSON.stringify({ ...meta, erased: true }) });
      }
    }
  }

  /** Undefined when the log does not have it any more. */
  async #entry(name: string, epoch: string, offset: number): Promise<Entry | undefined> {
    const page = await this.#context.broker.read(name, [epoch, offset - 1], { limit: 1 });
    return page.gap ? undefined : page.entries[0];
  }
}

function parsed(entry: Entry | undefined): Meta {
  return entry?.meta ? (JSON.parse(entry.meta) as Meta) : {};
}
