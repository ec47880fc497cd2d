/**
 * A growing column of numbers, with the smallest and largest of every block of rows remembered, so that the extremes of any range are
 * found without looking at all of it.
 */

const blockRows = 256;

export class Column {
  #data = new Float64Array(16);
  #length = 0;
  /** Rows of the smallest and the largest number of each full block; -1 where a block has none. */
  #smallest: number[] = [];
  #largest: number[] = [];

  get length(): number {
    return this.#length;
  }

  /** NaN beyond the end. */
  at(row: number): number {
    return row < this.#length ? (this.#data[row] ?? Number.NaN) : Number.NaN;
  }

  push(value: number): void {
    if (this.#length === this.#data.length) this.#reserve(this.#length * 2);
    this.#data[this.#length++] = value;
  }

  /** Makes room for `rows` in all at once, so that growing needs no copies. */
  reserve(rows: number): void {
    if (rows > this.#data.length) this.#reserve(rows);
  }

  /** Appends NaN until the column has `length` rows. */
  pad(length: number): void {
    if (length <= this.#length) return;
    if (length > this.#data.length) this.#reserve(2 ** Math.ceil(Math.log2(length)));
    this.#data.fill(Number.NaN, this.#length, length);
    this.#length = length;
  }

  append(values: Float64Array): void {
    const length = this.#length + values.length;
    if (length > this.#data.length) this.#reserve(2 ** Math.ceil(Math.log2(length)));
    this.#data.set(values, this.#length);
    this.#length = length;
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    this.#length = length;
    const blocks = Math.floor(length / blockRows);
    this.#smallest.length = Math.min(this.#smallest.length, blocks);
    this.#largest.length = Math.min(this.#largest.length, blocks);
  }

  /** Rows `from` to `to`, as a view that is valid until the column grows. */
  view(from = 0, to = this.#length): Float64Array {
    return this.#data.subarray(from, Math.min(to, this.#length));
  }

  /** The first row whose number is at least `value`, in a column that ascends. */
  lowerBound(value: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#data[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The rows of the smallest and of the largest number in `from` to `to` (exclusive); null when there is none but NaN. */
  extremes(from: number, to: number): { readonly smallest: number; readonly largest: number } | null {
    this.#index();
    const found = { smallest: -1, largest: -1 };
    const firstBlock = Math.ceil(from / blockRows);
    const lastBlock = Math.min(Math.floor(to / blockRows), this.#smallest.length);
    if (firstBlock >= lastBlock) this.#scan(from, to, found);
    else {
      this.#scan(from, firstBlock * blockRows, found);
      for (let block = firstBlock; block < lastBlock; block++) {
        this.#take(this.#smallest[block] ?? -1, found);
        this.#take(this.#largest[block] ?? -1, found);
      }
      this.#scan(lastBlock * blockRows, to, found);
    }
    return found.smallest < 0 ? null : found;
  }

  #scan(from: number, to: number, found: { smallest: number; largest: number }): void {
    for (let row = from; row < to; row++) this.#take(row, found);
  }

  #take(row: number, found: { smallest: number; largest: number }): void {
    const value = row < 0 ? Number.NaN : (this.#data[row] ?? Number.NaN);
    if (Number.isNaN(value)) return;
    if (found.smallest < 0 || value < (this.#data[found.smallest] ?? 0)) found.smallest = row;
    if (found.largest < 0 || value > (this.#data[found.largest] ?? 0)) found.largest = row;
  }

  #index(): void {
    for (let block = this.#smallest.length; (block + 1) * blockRows <= this.#length; block++) {
      const found = { smallest: -1, largest: -1 };
      this.#scan(block * blockRows, (block + 1) * blockRows, found);
      this.#smallest.push(found.smallest);
      this.#largest.push(found.largest);
    }
  }

  #reserve(capacity: number): void {
    const data = new Float64Array(capacity);
    data.set(this.#data.subarray(0, this.#length));
    this.#data = data;
  }
}
