import { ZocaloError } from '../../errors.ts';
import type { FrameDescription } from '../framing/index.ts';
import { PRESETS, type Preset, type PresetName } from '../presets/index.ts';
import { candidatesOf } from './candidates.ts';
import { findCheck } from './checks.ts';
import { burstsOf, type RecordedChunk, usualPause } from './recording.ts';
import { type Trial, tryOut } from './trial.ts';

/** How a device may frame what it sends. */
export interface Guess {
  /** The name of a preset, or a description. */
  readonly frame: PresetName | FrameDescription;
  /** 0 to 1. */
  readonly confidence: number;
  /** What speaks for it, as a sentence. */
  readonly why: string;
  /** What it makes of the recording. */
  readonly frames: readonly Buffer[];
  /** The block of the configuration, as YAML. */
  readonly block: string;
}

/** Guesses with less confidence are left out. */
const LEAST = 0.1;
/** How sure a checksum that holds makes of the rest. */
const CHECKED = 0.9;
/** How much to believe presets without a checksum, which nothing but their rules confirms. */
const UNCHECKED: Partial<Readonly<Record<PresetName, number>>> = {
  'stx-etx': 0.965,
  mllp: 0.98,
  syslog: 0.97,
  statsd: 0.96,
  modbus: 0.96,
};

/**
 * Guesses how a device frames what it sends, the likeliest first. It needs a few frames, of different lengths if they
 * have a length field: with one frame it can say little.
 */
export function learn(chunks: readonly RecordedChunk[]): Guess[] {
  const bursts = burstsOf(chunks);
  if (bursts.length === 0) return [];
  const guesses = [...presetGuesses(bursts), ...describedGuesses(bursts), ...idleGuess(chunks, bursts)];
  const seen = new Set<string>();
  return guesses
    .filter(({ confidence }) => confidence >= LEAST)
    .toSorted((a, b) => b.confidence - a.confidence)
    .filter(({ frames, frame }) => {
      // Of several that cut alike, the likeliest is enough.
      const cut = `${typeof frame === 'string'} ${frames.map((one) => one.toString('latin1')).join('\n')}`;
      return !seen.has(cut) && seen.add(cut);
    });
}

function* presetGuesses(bursts: readonly Buffer[]): Iterable<Guess> {
  for (const name of Object.keys(PRESETS) as PresetName[]) {
    const preset: Preset = PRESETS[name];
    const trial = tryOut(preset.frame, bursts);
    const read = trial.frames.filter((frame) => !(preset.decode?.(frame) instanceof ZocaloError)).length;
    if (read === 0 || read < trial.frames.length) continue;
    const belief = UNCHECKED[name];
    // One frame with a right checksum is no accident.
    const confidence = belief === undefined ? confidenceOf(trial, 0.999, 2 ** -16) : confidenceOf(trial, belief);
    yield guess(name, confidence, trial, bursts, `they are frames of ${name}`);
  }
}

function* describedGuesses(bursts: readonly Buffer[]): Iterable<Guess> {
  for (const { frame, belief, reason } of candidatesOf(bursts)) {
    const trial = tryOut(frame, bursts);
    const confidence = confidenceOf(trial, belief);
    if (confidence < LEAST) continue;
    const check = findCheck(frame, bursts);
    if (!check) {
      yield guess(frame, confidence, trial, bursts, reason);
      continue;
    }
    const isPlain = Object.keys(check).length === 1;
    const checked: FrameDescription = { ...frame, check: isPlain ? check.algorithm : check };
    const certain = 1 - (1 - confidence) * (1 - CHECKED);
    yield guess(
      checked,
      certain,
      tryOut(checked, bursts),
      bursts,
      `${reason}, and the checksum ${check.algorithm} holds`,
    );
  }
}

/** Where nothing else fits, silence may be what ends a frame. */
function* idleGuess(chunks: readonly RecordedChunk[], bursts: readonly Buffer[]): Iterable<Guess> {
  const pause = usualPause(chunks);
  if (pause === undefined) return;
  const gap = Math.max(20, Math.min(200, Math.round(pause / 2)));
  const trial = { frames: bursts, coverage: 1, fit: 1 };
  const idle: FrameDescription = { kind: 'idle', gap };
  const check = findCheck({ kind: 'datagram' }, bursts);
  const isPlain = check && Object.keys(check).length === 1;
  const frame: FrameDescription = check ? { ...idle, check: isPlain ? check.algorithm : check } : idle;
  yield guess(
    frame,
    check ? 0.8 : 0.3,
    trial,
    bursts,
    check ? `pauses, and the checksum ${check.algorithm} holds` : 'pauses',
  );
}

/** The more frames fit, the surer; what is left over, and bursts that end within a frame, speak against it. */
function confidenceOf({ frames, coverage, fit }: Trial, belief: number, accident = 0.5): number {
  return belief * coverage ** 2 * (0.25 + 0.75 * fit) * (1 - accident ** frames.length);
}

function guess(
  frame: Guess['frame'],
  confidence: number,
  { frames, coverage, fit }: Trial,
  bursts: readonly Buffer[],
  reason: string,
): Guess {
  const share = Math.floor(coverage * 100);
  const ended = Math.round(fit * bursts.length);
  const why = `${frames.length} frames have ${share} % of the bytes, ${ended} of ${bursts.length} bursts end with one: ${reason}`;
  return { frame, confidence, why, frames, block: blockOf(frame) };
}

/** YAML, of which JSON is a part, with a line for each key. */
function blockOf(frame: Guess['frame']): string {
  if (typeof frame === 'string') return `frame: ${frame}\n`;
  const lines = Object.entries(frame).map(([key, value]) => `  ${key}: ${scalarOf(key, value)}\n`);
  return `frame:\n${lines.join('')}`;
}

function scalarOf(key: string, value: unknown): string {
  const isName = typeof value === 'string' && (key === 'kind' || key === 'endian' || key === 'check');
  return isName ? value : JSON.stringify(value).replaceAll('\\u00', '\\x');
}
