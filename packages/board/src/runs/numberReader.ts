/**
 * Reads numbers straight from the bytes of a JSON text. Four digits are taken at a time: a log of a million lines has some two hundred million digits, and a
 * multiplication a digit would be most of the time.
 */

const [zero, minus, plus, dot, bigE, smallE] = [48, 45, 43, 46, 69, 101];
/** `null` as a little-endian word. */
const nullWord = 0x6c6c756e;
const powers = Float64Array.from({ length: 300 }, (_, exponent) => Number(`1e${exponent}`));
/** Digits whose value a double still holds without overflow or loss of the leading ones. */
const mostDigits = 300;
const tens = Float64Array.of(1, 10, 100, 1000);

/** The number that four characters write, the first in the lowest byte; bytes of zero count as zeros. */
function fourDigits(word: number): number {
  const digits = word & 0x0f0f0f0f;
  const pairs = digits * 10 + (digits >>> 8);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}

export class NumberReader {
  /** Behind the number that was read last; -1 when there was none. */
  position = 0;
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** What is read from then on. */
  open(bytes: Uint8Array, view: DataView): void {
    this.#bytes = bytes;
    this.#view = view;
  }

  /**
   * The number at `at`; NaN for `null`, which is how JSON writes NaN. `position` is -1 where there is no number, or one that only JSON.parse
   * reads right (near the ends of the range). A number of more than 15 digits may come out a unit in the last place beside the nearest double.
   */
  read(at: number): number {
    const bytes = this.#bytes;
    const begin = bytes[at] === minus ? at + 1 : at;
    let end = this.#digits(begin);
    if (end === begin) return this.#null(at);
    // JSON has no numbers like 007.
    if (bytes[begin] === zero && end > begin + 1) return this.#none();
    let mantissa = this.#value[0] ?? 0;
    let exponent = 0;
    if (bytes[end] === dot) {
      const from = end + 1;
      end = this.#digits(from, mantissa);
      if (end === from) return this.#none();
      mantissa = this.#value[0] ?? 0;
      exponent = from - end;
    }
    if (end - begin > mostDigits) return this.#none();
    if (bytes[end] === smallE || bytes[end] === bigE) {
      const signed = bytes[end + 1] === minus || bytes[end + 1] === plus;
      const from = end + (signed ? 2 : 1);
      const down = bytes[end + 1] === minus;
      end = this.#digits(from);
      if (end === from) return this.#none();
      exponent += (this.#value[0] ?? 0) * (down ? -1 : 1);
    }
    const size = Math.abs(exponent);
    if (size >= powers.length) return this.#none();
    this.position = end;
    const scale = powers[size] ?? 1;
    const value = exponent < 0 ? mantissa / scale : mantissa * scale;
    return begin === at ? value : -value;
  }

  /** The digits that were read last; in an array, because a field's number would be allocated anew each time. */
  readonly #value = new Float64Array(1);

  /** Where the digits from `at` on end; they are appended to `value`. */
  #digits(at: number, value = 0): number {
    const view = this.#view;
    let sum = value;
    let next = at;
    for (const last = view.byteLength - 4; next <= last; next += 4) {
      const word = view.getInt32(next, true);
      // The top bit of the first byte that is not between '0' and '9' is set; bits above it mean nothing.
      const others = ((word + 0x46464646) | (word - 0x30303030)) & 0x80808080;
      if (others === 0) {
        sum = sum * 10_000 + fourDigits(word);
        continue;
      }
      // Without a branch a digit: processors guess the length of numbers wrong, and that costs more than the digits.
      const count = (31 - Math.clz32(others & -others)) >> 3;
      this.#value[0] = sum * (tens[count] ?? 1) + fourDigits((word << (24 - 8 * count)) << 8);
      return next + count;
    }
    for (let digit = (this.#bytes[next] ?? 0) - zero; digit >= 0 && digit <= 9; ) {
      sum = sum * 10 + digit;
      digit = (this.#bytes[++next] ?? 0) - zero;
    }
    this.#value[0] = sum;
    return next;
  }

  #null(at: number): number {
    if (at + 4 > this.#view.byteLength || this.#view.getInt32(at, true) !== nullWord) return this.#none();
    this.position = at + 4;
    return Number.NaN;
  }

  #none(): number {
    this.position = -1;
    return Number.NaN;
  }
}
