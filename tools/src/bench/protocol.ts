/**
 * The line protocol between the benchmark and the processes that do the work, ours and the peers' alike.
 *
 * Requests are lines on standard input: `go N`, `memory`, `quit`. Answers are JSON objects, one a line, on standard output. The
 * first message comes unasked: `ready` when the job is set up and warm, or `failed`.
 */

import { isRecord } from './record.ts';
import type { Reason } from './row.ts';

export type Message =
  | {
      readonly event: 'ready';
      /** Who is working: "PyTorch 2.15.0". */
      readonly label: string;
      /** What it chose: its memory format. */
      readonly detail: string;
      /** Ours: milliseconds of trace, gradient and compile. */
      readonly prepareMs: number | null;
      /** Parts of it that have rows of their own: milliseconds by name. */
      readonly parts: Readonly<Record<string, number>>;
    }
  | { readonly event: 'failed'; readonly reason: Reason }
  /** Milliseconds of every step. */
  | { readonly event: 'round'; readonly ms: readonly number[] }
  /** Peak resident memory. */
  | { readonly event: 'memory'; readonly mib: number | null }
  /** What a Python offers. */
  | { readonly event: 'probe'; readonly label: string; readonly compiles: boolean }
  /** The end of a whole training run, and its validation accuracy in percent. */
  | { readonly event: 'finished'; readonly top1: number };

/** Reads one line. Null for a line that is no message: a library printed it. */
export function parseMessage(line: string): Message | null {
  const value = parseJson(line);
  if (!isRecord(value)) return null;
  const { event } = value;
  if (event === 'ready' && typeof value.label === 'string') {
    return {
      event,
      label: value.label,
      detail: textOf(value.detail),
      prepareMs: numberOf(value.prepareMs),
      parts: numbersOf(value.parts),
    };
  }
  if (event === 'failed' && isRecord(value.reason)) {
    return {
      event,
      reason: { kind: kindOf(value.reason.kind), text: textOf(value.reason.text) },
    };
  }
  if (event === 'round' && Array.isArray(value.ms)) {
    return { event, ms: value.ms.filter((ms) => typeof ms === 'number') };
  }
  if (event === 'memory') return { event, mib: numberOf(value.mib) };
  if (event === 'probe' && typeof value.label === 'string') {
    return { event, label: value.label, compiles: value.compiles === true };
  }
  if (event === 'finished' && typeof value.top1 === 'number') return { event, top1: value.top1 };
  return null;
}

export type Request =
  | { readonly do: 'go'; readonly steps: number }
  | { readonly do: 'memory' }
  | { readonly do: 'quit' };

export function formatRequest(request: Request): string {
  return request.do === 'go' ? `go ${request.steps}` : request.do;
}

/** Reads a request. Null for anything else. */
export function parseRequest(line: string): Request | null {
  const [word, count] = line.trim().split(' ');
  if (word === 'memory' || word === 'quit') return { do: word };
  const steps = Number(count);
  return word === 'go' && Number.isInteger(steps) && steps > 0 ? { do: 'go', steps } : null;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function numbersOf(value: unknown): Record<string, number> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => (typeof part === 'number' ? [[name, part]] : [])),
  );
}

function kindOf(value: unknown): Reason['kind'] {
  return value === 'missing' || value === 'unsupported' ? value : 'failed';
}
