import { type FrameDescription, framerFactory } from '../framing/index.ts';

/** What a description makes of a recording. */
export interface Trial {
  readonly frames: readonly Buffer[];
  /** How much of the bytes is in frames: 0 to 1. */
  readonly coverage: number;
  /** How many bursts end where a frame ends: 0 to 1. */
  readonly fit: number;
}

export function tryOut(description: FrameDescription, bursts: readonly Buffer[]): Trial {
  const framer = framerFactory(description)({ report: () => {} });
  // One flag stays in the stream, since it may start the next frame.
  const isFlag = description.kind === 'enclosed' && description.start === description.end;
  const frames: Buffer[] = [];
  let total = 0;
  let ends = 0;
  for (const burst of bursts) {
    total += burst.length;
    framer.append(burst);
    const before = frames.length;
    for (let frame = framer.take(); frame; frame = framer.take()) frames.push(frame);
    if (framer.pending <= (isFlag ? 1 : 0) && frames.length > before) ends++;
  }
  const lost = framer.skipped + (isFlag ? 0 : framer.pending);
  return {
    frames,
    coverage: total === 0 ? 0 : (total - lost) / total,
    fit: bursts.length === 0 ? 0 : ends / bursts.length,
  };
}
