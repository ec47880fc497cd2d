/** Python's numbers: whole ones and floats kept apart, as text and in arithmetic. */

import { ConfigFloat, type ConfigValue } from '../value.ts';

export interface Numeric {
  readonly value: number;
  readonly float: boolean;
}

/** A number or a bool as a number; null for anything else. */
export function numeric(value: ConfigValue | undefined): Numeric | null {
  if (typeof value === 'number') return { value, float: false };
  if (typeof value === 'boolean') return { value: value ? 1 : 0, float: false };
  return value instanceof ConfigFloat ? { value: value.value, float: true } : null;
}

/** A literal: `1_000`, `0x10`, `1e-3`; null for a complex one and for whole numbers beyond 2^53. */
export function parseNumber(text: string): number | ConfigFloat | null {
  const plain = text.replaceAll('_', '');
  if (/^0[xob]/i.test(plain)) return wholeOrNull(Number(plain));
  if (/^\d+$/.test(plain)) return wholeOrNull(Number(plain));
  const value = Number(plain);
  return Number.isNaN(value) ? null : new ConfigFloat(value);
}

function wholeOrNull(value: number): number | null {
  return Number.isSafeInteger(value) ? value : null;
}

/** The shortest text that reads back as the same float, in Python's form: `1e-05`, `2.0`, `1e+16`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [digits = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (value === 0 || (exponent >= -4 && exponent < 16)) {
    const text = Object.is(value, -0) ? '-0' : plainDecimal(value, digits, exponent);
    return text.includes('.') ? text : `${text}.0`;
  }
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function plainDecimal(value: number, digits: string, exponent: number): string {
  const places = Math.max(0, (digits.split('.')[1] ?? '').length - exponent);
  return places > 100 ? String(value) : value.toFixed(places);
}

/** `value` with so many places, halves to the even neighbour as Python has it; null from 1e21 on, where JavaScript writes no digits. */
export function fixedText(value: number, places: number): string | null {
  if (Math.abs(value) >= 1e21) return null;
  return signed(value, Math.abs(roundHalfEven(value, places)).toFixed(places));
}

/** `1.50e-03`, with a minus before zeros that have one, as Python has it. */
export function exponentText(value: number, places: number): string {
  const text = Math.abs(value).toExponential(places);
  return signed(value, text.replace(/e([+-])(\d)$/, 'e$10$2'));
}

/** Python keeps the sign of a number that is, or is rounded to, zero; JavaScript drops that of -0. */
function signed(value: number, magnitude: string): string {
  return value < 0 || Object.is(value, -0) ? `-${magnitude}` : magnitude;
}

/** Python's `round`: halves go to the even neighbour. */
export function roundHalfEven(value: number, places: number): number {
  if (!Number.isFinite(value)) return value;
  if (places < 0) {
    const unit = 10 ** -places;
    return roundHalfEven(value / unit, 0) * unit;
  }
  const below = value.toFixed(Math.min(places, 100));
  // A double is a half of the last place exactly when its digits end there.
  const exact = Math.abs(value).toFixed(Math.min(100, places + 60));
  const rest = exact.slice(exact.indexOf('.') + 1 + places);
  if (!/^50*$/.test(rest)) return Number(below);
  const cut = exact.slice(0, exact.length - rest.length).replace(/\.$/, '');
  const floor = Number(cut);
  const even = Number(cut.at(-1)) % 2 === 0 ? floor : floor + 10 ** -places;
  return Math.sign(value) * Number(even.toFixed(places));
}
