/** Numbers as people read them in a terminal. */

/** `3 s`, `4 min 05 s`, `2 h 07 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** `1.3 G`, `11.2 M`, `340 k`, `87`. */
export function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(0)} k`;
  return String(count);
}

/** `44.7 MB`, `340 kB`, `6131 B`: thousands, as disks count. */
export function formatBytes(bytes: number): string {
  const text = formatCount(bytes);
  return / [GMk]$/.test(text) ? `${text}B` : `${text} B`;
}

/** Enough digits to see a loss or a rate move. */
export function formatNumber(value: number): string {
  return formatDigits(value, 4);
}

/** `digits` significant digits, and fewer of what is below a thousandth. */
export function formatDigits(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value);
  const few = Math.max(1, digits - 3);
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(few);
  return Math.abs(value) >= 100 ? value.toFixed(few) : value.toPrecision(digits);
}

export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** As formatCount with four digits: `1.819 G`, `64.00 k`, `128`. */
export function formatAmount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toPrecision(4)} G`;
  if (count >= 1e6) return `${(count / 1e6).toPrecision(4)} M`;
  if (count >= 1e4) return `${(count / 1e3).toPrecision(4)} k`;
  return String(count);
}
