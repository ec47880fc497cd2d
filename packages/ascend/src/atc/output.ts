/**
 * What `atc` prints, read: which errors, in its words and ours, at which node.
 *
 * It prints error blocks on stdout: a line that begins with an id, then indented lines (cause, solution, trace). Newer releases put process and
 * time behind the id. Node names in the text lead back to our operators.
 */

import type { Origin } from '@omma/onnx';

export interface AtcMessage {
  /** For example `EZ3003`. */
  readonly id: string;
  readonly text: string;
}

export interface AtcOutput {
  readonly succeeded: boolean;
  readonly errors: readonly AtcMessage[];
  readonly warnings: readonly AtcMessage[];
}

const messageLine = /^([EW][0-9A-Z]\d{4}):\s*(?:\[PID: ?\d+\]\s*)?(?:\d{4}-\d\d-\d\d-[\d:.]+\s*)?(.*)$/;
const successLine = 'ATC run success';

export function parseAtcOutput(text: string): AtcOutput {
  const messages: { id: string; text: string }[] = [];
  let open: { id: string; text: string } | null = null;
  for (const line of text.split(/\r?\n/)) {
    const [, id, rest = ''] = messageLine.exec(line) ?? [];
    if (id !== undefined) {
      open = { id, text: rest.trim() };
      messages.push(open);
    } else if (/^\s+TraceBack/.test(line) || !/^\s/.test(line)) open = null;
    else if (open !== null && line.trim() !== '') open.text = `${open.text} ${line.trim()}`.trim();
  }
  const isError = ({ id }: AtcMessage) => id.startsWith('E');
  return {
    succeeded: text.includes(successLine),
    errors: messages.filter(isError),
    warnings: messages.filter((message) => !isError(message)),
  };
}

/** What to do about an error, by its id; the longest of these beginnings that fits. */
const advice: readonly (readonly [string, string])[] = [
  ['E10001', 'check the chip (soc) and the options against the toolkit'],
  ['E10055', 'this toolkit does not have that option'],
  ['E11010', 'the compiler does not take this attribute value; run `omma ascend check`'],
  ['E13', 'check that the folder can be read and written'],
  ['E16001', 'the model has no input or no output left'],
  ['E16002', 'the compiler does not know the operator at this opset; run `omma ascend check`'],
  ['E19010', 'the compiler does not know the operator at this opset; run `omma ascend check`'],
  [
    'EZ3',
    'the chip has no kernel for this operator and type; run `omma ascend check`, or choose another precision',
  ],
  ['E20001', 'a kernel could not be compiled; look at the log of CANN (~/ascend/log/debug/plog)'],
  ['EZ9999', 'an error inside the compiler; look at the log of CANN (~/ascend/log/debug/plog)'],
  ['E19999', 'an error inside the compiler; look at the log of CANN (~/ascend/log/debug/plog)'],
  ['E1', 'the command line does not fit this version of the toolkit'],
];

/** One line for a user: our operator and module path where the text names a node, what atc says, what to do. */
export function explainAtc(output: AtcOutput, origins: ReadonlyMap<string, Origin>): string {
  const [error] = output.errors;
  if (error === undefined) return 'it names no error; look at the log of CANN (~/ascend/log/debug/plog)';
  const origin = originIn(error.text, origins);
  const where = origin === null ? '' : `${origin.op}${origin.scope === '' ? '' : ` at ${origin.scope}`}: `;
  const more = output.errors.length > 1 ? ` (and ${output.errors.length - 1} more)` : '';
  return `${where}${error.id}: ${error.text}${more}; ${adviceFor(error.id)}`;
}

function adviceFor(id: string): string {
  return advice.find(([start]) => id.startsWith(start))?.[1] ?? 'look the id up in the documents of CANN';
}

/** The origin of the first node name in the text. Names are whole words, in brackets or not. */
function originIn(text: string, origins: ReadonlyMap<string, Origin>): Origin | null {
  for (const [word] of text.matchAll(/[A-Za-z0-9_./-]+/g)) {
    const origin = origins.get(word) ?? origins.get(word.replace(/[.,]+$/, ''));
    if (origin !== undefined) return origin;
  }
  return null;
}
