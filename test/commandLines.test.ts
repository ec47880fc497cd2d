/** Every `omma ...` line of README and documents is one that the command line takes: commands, options and their values, numbers of arguments. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folders = ['docs', 'docs/ascend'];
const pages = folders.flatMap((folder) => readdirSync(join(root, folder)).map((file) => `${folder}/${file}`));

/** The words after `omma` in the lines of a page's shell blocks, comments and the brackets of what may be left out aside. */
function commandLines(page: string): string[][] {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```sh\n(.*?)^```/gms);
  return [...blocks].flatMap(([, block = '']) =>
    block.split('\n').flatMap((line) => {
      const command = /\bomma (.*)$/.exec(line.replace(/\s#.*$/, ''))?.[1];
      const words = command?.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", ''));
      // `[--svg FILE]` is given; `N` is a number.
      const given = words?.map((word) => word.replace(/^\[(?=-)|(?<!\d)\]$/g, '').replace(/^N$/, '1'));
      return given === undefined ? [] : [given];
    }),
  );
}

/** As much of commander's class as is used here. */
interface Command {
  readonly commands: readonly Command[];
  action(run: () => undefined): Command;
  exitOverride(): Command;
  configureOutput(output: { readonly writeErr: () => undefined }): Command;
  parse(words: readonly string[], options: { readonly from: 'user' }): Command;
}

/** The built one: its types and those that tests register do not go together. */
const { buildProgram }: { buildProgram(): Command } = await import(
  new URL('../packages/cli/dist/index.js', import.meta.url).href
);

/** Nothing is run. */
function idle(command: Command): Command {
  command.action(() => undefined).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  for (const each of command.commands) idle(each);
  return command;
}

function mistakeOf(words: readonly string[]): string | null {
  try {
    idle(buildProgram()).parse(words, { from: 'user' });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a command line of the documents', () => {
  const lines = ['README.md', ...pages.filter((page) => page.endsWith('.md'))].flatMap((page) =>
    commandLines(page).map((words) => ({ page, words })),
  );

  it.each(lines)('$page: $words', ({ words }) => {
    expect(mistakeOf(words)).toBeNull();
    const launched = words.indexOf('train', 1);
    if (words[0] === 'launch' && launched > 0) expect(mistakeOf(words.slice(launched))).toBeNull();
  });

  it('is found, and a wrong one would be refused', () => {
    expect(lines.length).toBeGreaterThanOrEqual(50);
    expect(mistakeOf(['train', 'CONFIG', '--resum'])).toMatch(/unknown option/);
    expect(mistakeOf(['checkpoint', 'diff', 'a'])).toMatch(/missing required argument/);
    expect(mistakeOf(['chekpoint'])).toMatch(/unknown command|too many arguments/);
  });
});
