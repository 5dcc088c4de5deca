/** A number in few characters: `1.2K`. */
export function short(value: number, language: string, digits = 1): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: digits }).format(value);
}

/** Axis labels with as many digits as the steps need: 1,010 and 1,020 are not both `1K`. */
export function labels(values: readonly number[], language: string): string[] {
  const [first = 0, second = first + 1] = values;
  const unit = 1_000 ** Math.floor(Math.log10(Math.max(1, ...values)) / 3);
  const digits = Math.max(0, Math.ceil(Math.log10(unit / Math.abs(second - first))));
  return values.map((value) => short(value, language, digits));
}
