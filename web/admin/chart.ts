import type { Sample } from '../../src/server/admin/view.ts';
import { labels, short } from './numbers.ts';
import uPlot from './uplot.js';

interface Line {
  label: string;
  /** A colour of the theme, such as `--red`. */
  color: string;
  value: (sample: Sample) => number;
}

const HEIGHT = 170;
const AXIS_WIDTH = 60;
/** Pixels between two labels of the count axis, each some 15 high. */
const COUNT_SPACE = 24;
/** Pixels between two labels of the time axis, each some 55 wide. */
const TIME_SPACE = 80;
/** Seconds. */
const TIME_STEPS = [15, 30, 60, 120, 300];
/** Seconds. */
const SPAN = 300;
/** Steps between labels of counts, which are integers. */
const WHOLE = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power))
  .sort((a, b) => a - b);

interface ChartWords {
  /** The label of the time axis. */
  time: string;
  language: string;
}

/** Draws samples as lines over time, as wide as its container. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #lines: readonly Line[];
  readonly #words: ChartWords;
  #plot: uPlot | undefined;

  constructor(place: HTMLElement, lines: readonly Line[], words: ChartWords) {
    this.#place = place;
    this.#lines = lines;
    this.#words = words;
  }

  listen(): void {
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(
      this.#place,
    );
    // A canvas does not update its colours with the theme.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot?.destroy();
      this.#plot = undefined;
    });
  }

  show(samples: readonly Sample[]): void {
    const data: uPlot.AlignedData = [
      samples.map(({ at }) => at / 1000),
      ...this.#lines.map(({ value }) => samples.map(value)),
    ];
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new uPlot(this.#options(), data, this.#place);
  }

  #options(): uPlot.Options {
    const { language } = this.#words;
    const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium', hourCycle: 'h23' });
    const time = (at: number) => clock.format(at * 1000);
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: color('--soft'), grid: { stroke: color('--line') }, ticks: { stroke: color('--line') } };
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      cursor: { y: false },
      legend: { live: matchMedia('(hover: hover)').matches },
      scales: {
        x: { range: (_, _least, most) => [most - SPAN, most] },
        y: { range: (_, _least, most) => [0, Math.max(1, most * 1.1)] },
      },
      axes: [
        { ...axis, space: TIME_SPACE, incrs: TIME_STEPS, values: (_, splits) => splits.map(time) },
        {
          ...axis,
          size: AXIS_WIDTH,
          space: COUNT_SPACE,
          incrs: WHOLE,
          values: (_, splits) => labels(splits, language),
        },
      ],
      series: [
        { label: this.#words.time, value: (_, at) => (at === null ? '–' : time(at)) },
        ...this.#lines.map(({ label, color: name }) => ({
          label,
          stroke: color(name),
          width: 1.5,
          points: { show: false },
          value: (_: uPlot, value: number | null) => (value === null ? '–' : short(value, language)),
        })),
      ],
    };
  }
}
