import type { Sample } from '../../src/server/admin/view.ts';
import uPlot from './uplot.js';

interface Line {
  label: string;
  /** A colour of the theme, such as `--red`. */
  color: string;
  value: (sample: Sample) => number;
}

const HEIGHT = 170;
const AXIS_WIDTH = 52;

/** Samples as lines over time, as wide as its place on the page. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #lines: readonly Line[];
  #plot: uPlot | undefined;

  constructor(place: HTMLElement, lines: readonly Line[]) {
    this.#place = place;
    this.#lines = lines;
  }

  listen(): void {
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(
      this.#place,
    );
    // The colours of a canvas do not follow the theme by themselves.
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
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: color('--soft'), grid: { stroke: color('--line') }, ticks: { stroke: color('--line') } };
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      cursor: { y: false },
      scales: { y: { range: (_, _least, most) => [0, Math.max(1, most * 1.1)] } },
      axes: [axis, { ...axis, size: AXIS_WIDTH, values: (_, splits) => splits.map((split) => short(split)) }],
      series: [
        { value: (_, at) => (at === null ? '' : new Date(at * 1000).toLocaleTimeString()) },
        ...this.#lines.map(({ label, color: name }) => ({
          label,
          stroke: color(name),
          width: 1.5,
          points: { show: false },
          value: (_: uPlot, value: number | null) => (value === null ? '' : short(value)),
        })),
      ],
    };
  }
}

const FORMAT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function short(value: number): string {
  return FORMAT.format(value);
}
