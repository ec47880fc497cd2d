/** What the page knows and what is chosen on it; kept up to date by the server's stream of news. */

import type { BoardEvent, CurveAxis, RunSummary, SystemLoad } from '@omma/board';
import { computed, signal } from '@preact/signals';

export type Tab = 'curves' | 'compare' | 'pictures' | 'log' | 'system';
export const tabs: readonly Tab[] = ['curves', 'compare', 'pictures', 'log', 'system'];

export const runs = signal<ReadonlyMap<string, RunSummary>>(new Map());
/** Names of the runs that are shown, each with its colour for as long as the page lives. */
export const chosen = signal<ReadonlySet<string>>(new Set());
/** Null until the server has answered or not. */
export const connected = signal<boolean | null>(null);
export const loads = signal<readonly SystemLoad[]>([]);

export const tab = signal<Tab>(tabs.find((name) => `#${name}` === location.hash) ?? 'curves');
export const smoothing = signal(Number(localStorage.getItem('smoothing') ?? '0.6'));
export const axis = signal<CurveAxis>('step');
/** What the x axis of charts shows. */
export const axisTitles: Readonly<Record<CurveAxis, string>> = {
  step: 'iteration',
  time: 'time since start',
  wall: 'clock',
};
export const theme = signal<'light' | 'dark'>(
  localStorage.getItem('theme') === 'dark' ||
    (localStorage.getItem('theme') === null && matchMedia('(prefers-color-scheme: dark)').matches)
    ? 'dark'
    : 'light',
);

export const chosenRuns = computed(() =>
  [...runs.value.values()].filter(({ name }) => chosen.value.has(name)),
);

/** Distinct on both themes. */
const palette = [
  '#2f7ed8',
  '#e8743b',
  '#19a979',
  '#c23ac2',
  '#d9a400',
  '#7a5af8',
  '#e0416a',
  '#13a4b4',
  '#8a6d3b',
  '#6b7f1e',
];
const colours = new Map<string, string>();

export function colourOf(run: string): string {
  let colour = colours.get(run);
  if (colour === undefined) {
    colour = palette[colours.size % palette.length] ?? '#888888';
    colours.set(run, colour);
  }
  return colour;
}

/** Samples of the machine's load that the page keeps. */
const mostLoads = 900;
/** Runs that are shown until somebody chooses: the newest. */
const firstChosen = 4;
let chosenByHand = false;

export function choose(names: Iterable<string>): void {
  chosenByHand = true;
  chosen.value = new Set(names);
}

export function connect(): void {
  const source = new EventSource('/api/events');
  source.onopen = () => {
    connected.value = true;
  };
  source.onerror = () => {
    connected.value = false;
  };
  source.onmessage = (message: MessageEvent<string>) => take(JSON.parse(message.data));
}

function take(event: BoardEvent): void {
  if (event.type === 'system') {
    loads.value = [...loads.value.slice(1 - mostLoads), event.load];
    return;
  }
  const next = new Map(event.anew ? [] : runs.value);
  for (const name of event.removed) next.delete(name);
  for (const run of event.runs) next.set(run.name, run);
  const sorted = [...next.values()].sort((a, b) => (b.started ?? 0) - (a.started ?? 0));
  runs.value = new Map(sorted.map((run) => [run.name, run]));
  if (!chosenByHand) chosen.value = new Set(sorted.slice(0, firstChosen).map(({ name }) => name));
}

export function toggle(name: string, only: boolean): void {
  const next = new Set(only ? [] : chosen.value);
  if (!only && next.has(name)) next.delete(name);
  else next.add(name);
  choose(next);
}

/** The same, and null while the server is away: the page says that it is. */
export function answered<T>(...question: Parameters<typeof ask>): Promise<T | null> {
  return ask<T>(...question).catch(() => null);
}

/** The server's answer to a question about runs. */
export async function ask<T>(
  path: string,
  query: Readonly<Record<string, string | readonly string[]>>,
): Promise<T> {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    for (const one of typeof value === 'string' ? [value] : value) parameters.append(key, one);
  const response = await fetch(`/api/${path}?${parameters}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
