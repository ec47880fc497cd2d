/** Python's string literals. */

const escapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

export interface Literal {
  /** What stands between the quotes, escapes as written. */
  readonly body: string;
  /** Where it starts in the literal's text. */
  readonly offset: number;
  readonly raw: boolean;
}

/** A string literal taken apart; null when it does not end, or is made of bytes. */
export function literalOf(text: string): Literal | null {
  const match = /^([a-zA-Z]*)('''|"""|'|")/.exec(text);
  const [all = '', prefix = '', quote = ''] = match ?? [];
  if (match === null || /b/i.test(prefix)) return null;
  if (text.length < all.length + quote.length || !text.endsWith(quote)) return null;
  return { body: text.slice(all.length, -quote.length), offset: all.length, raw: /r/i.test(prefix) };
}

/** The text that a literal's body stands for. Null for an escape that names a character or ends too early. */
export function unescaped(body: string, raw: boolean): string | null {
  if (raw || !body.includes('\\')) return body;
  let known = true;
  const text = body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (whole: string, byte?: string, short?: string, long?: string, octal?: string, letter?: string) => {
      const hex = byte ?? short ?? long;
      const code = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? '', 8);
      if (letter === undefined) {
        if (code <= 0x10ffff) return String.fromCodePoint(code);
        known = false;
        return '';
      }
      if ('xuUN'.includes(letter)) known = false;
      return escapes[letter] ?? whole;
    },
  );
  return known ? text : null;
}
