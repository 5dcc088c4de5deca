export {
  FRAME_LIMIT,
  type FrameDescription,
  type FrameKind,
  type FramerEnvironment,
  framerFactory,
} from './description.ts';
export { Check, type CheckDescription, type Strip } from './envelope.ts';
export type { EscapeDescription } from './escape.ts';
export { type Framer, type Framing, NO_MARGINS, type Report } from './framer.ts';
export type { LengthDescription } from './length.ts';
export { bytesOf, type MarkDescription, Marks } from './marks.ts';
export { type Head, MeasuredFraming } from './measured.ts';
