/**
 * A list of texts in two shared arrays: millions of file names that every worker thread reads where they lie, instead of a copy of each
 * as a string in each thread (what MMEngine's `serialize_data` is for).
 */

export interface TextTable {
  /** All texts in UTF-8, one after the other. */
  readonly bytes: Uint8Array;
  /** Where each begins, and the end of the last. */
  readonly offsets: Float64Array;
}

export function textTable(texts: readonly string[]): TextTable {
  const encoder = new TextEncoder();
  const offsets = new Float64Array(new SharedArrayBuffer(8 * (texts.length + 1)));
  let total = 0;
  texts.forEach((text, i) => {
    offsets[i] = total;
    total += Buffer.byteLength(text);
  });
  offsets[texts.length] = total;
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  texts.forEach((text, i) => {
    bytes.set(encoder.encode(text), offsets[i]);
  });
  return { bytes, offsets };
}

/** The text at `index`; undefined beyond the list. */
export function textAt({ bytes, offsets }: TextTable, index: number): string | undefined {
  const [from, to] = [offsets[index], offsets[index + 1]];
  return from === undefined || to === undefined
    ? undefined
    : Buffer.from(bytes.slice(from, to)).toString('utf8');
}
