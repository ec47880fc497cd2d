/** ONNX Runtime names its own nodes when something fails; to the caller it is the device's error, at one of our ops. */

import { DeviceError } from '@omma/core';
import type { Origin } from '../model.ts';

/** How ONNX Runtime quotes a node's name: when it runs, when it finds no kernel, when it checks a node, when it parses the file. */
const quotes = [
  /Name:\s*'([^']+)'/,
  /node:\s*'([^']+)'/,
  /node with name '([^']+)'/,
  /Node \(([^)]+)\)/,
  /Node:\s*([^\s,]+)/,
  /node name:\s*([^\s,]+)/i,
];

/** `error` as the error of `device`, on one line, with the op and the module path of the node that it names. */
export function asDeviceError(
  device: string,
  origins: ReadonlyMap<string, Origin>,
  error: unknown,
): DeviceError {
  if (error instanceof DeviceError) return error;
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  const origin = originIn(text, origins);
  const where = origin === null ? '' : `${origin.op}${origin.scope === '' ? '' : ` at ${origin.scope}`}: `;
  return new DeviceError(`${device}: ${where}${text}`, { cause: error });
}

function originIn(text: string, origins: ReadonlyMap<string, Origin>): Origin | null {
  for (const quote of quotes) {
    const name = quote.exec(text)?.[1];
    const origin = name === undefined ? undefined : origins.get(name);
    if (origin !== undefined) return origin;
  }
  return null;
}
