/** Damage to text with a grammar: words and lines dropped, doubled, swapped, tokens of the language put in between. */

import type { Dice } from './dice.ts';

const maxLength = 1 << 18;

/** `text` with a few places changed; `tokens` is what the language is made of. */
export function damagedText(text: string, dice: Dice, tokens: readonly string[]): string {
  let result = text;
  for (let left = 1 + dice.below(4); left > 0; left--) {
    const next = once(result, dice, tokens);
    if (next.length <= maxLength) result = next;
  }
  return result;
}

function once(text: string, dice: Dice, tokens: readonly string[]): string {
  const at = dice.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + dice.below(dice.chance(0.7) ? 6 : 200));
  const lines = text.split('\n');
  const line = dice.below(lines.length);
  switch (dice.below(8)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + dice.pick(tokens) + text.slice(at);
    case 2:
      return text.slice(0, at) + dice.pick(tokens) + text.slice(end);
    case 3:
      return lines.toSpliced(line, 1).join('\n');
    case 4:
      return lines.toSpliced(line, 0, lines[dice.below(lines.length)] ?? '').join('\n');
    case 5:
      return text.slice(0, at) + text.slice(at, end).repeat(dice.chance(0.9) ? 2 : 500) + text.slice(end);
    case 6: {
      const token = dice.pick(tokens);
      return text.slice(0, at) + token.repeat(dice.chance(0.9) ? 3 : 3000) + text.slice(at);
    }
    default:
      return text.slice(0, at);
  }
}
