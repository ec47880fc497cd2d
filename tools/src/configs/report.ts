/** The comparison as a page: a line a file. */

import type { Comparison } from './compare.ts';

/** `strips` are PREFIX=NAME: folders of this machine, and what the page calls them. */
export function report(results: readonly Comparison[], strips: readonly string[]): string {
  const rename = (text: string) =>
    strips.reduce((name, strip) => {
      const at = strip.lastIndexOf('=');
      return name.replaceAll(strip.slice(0, at), strip.slice(at + 1));
    }, text);
  const lines = results.map(({ file, verdict, hash, reason }) => {
    const detail = hash ?? rename(reason ?? '').replaceAll('|', '\\|');
    return `| ${rename(file)} | ${verdict} | ${verdict === 'explained' ? rename(reason ?? '') : detail} |`;
  });
  return `| file | verdict | SHA-256 of the resolved value (first 16 digits), or why there is none |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
}
