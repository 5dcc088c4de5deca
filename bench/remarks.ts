/** What a run has to say besides its figures: what was left out, failed or was not as usual. */
export class Remarks {
  /** Each once, in their order. */
  readonly all: string[] = [];
  failures = 0;

  readonly add = (text: string): void => {
    if (this.all.includes(text)) return;
    this.all.push(text);
    console.log(`Remark: ${text}`);
  };

  /** Work that fails is left out and reported. */
  readonly attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    if (process.stderr.isTTY) process.stderr.write(`${what} …\r\x1b[K`);
    try {
      await work();
    } catch (error) {
      this.failures++;
      this.add(`${what} failed: ${(error as Error).message}`);
    }
  };
}
