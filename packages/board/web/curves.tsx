/** All curves of the chosen runs, in groups. */

import { Chart } from './chart.tsx';
import { NoRun } from './noRun.tsx';
import { chosenRuns } from './state.ts';

const titles: Readonly<Record<string, string>> = {
  train: 'Training',
  val: 'Evaluation',
  system: 'Speed and memory',
};
const systemCurves = /\/(time|dataTime|imagesPerSecond|dataWaitShare|memory|deviceMemory)$/;
const order = ['val', 'train', 'system'];

export function Curves() {
  const names = new Set(chosenRuns.value.flatMap(({ curves }) => curves));
  if (chosenRuns.value.length === 0) return <NoRun />;
  if (names.size === 0) return <p class="empty">These runs have logged no numbers yet.</p>;
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const group = systemCurves.test(name) ? 'system' : (name.split('/')[0] ?? '');
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  const rank = (group: string) => (order.includes(group) ? order.indexOf(group) : order.length);
  return (
    <>
      {[...groups]
        .sort(([a], [b]) => rank(a) - rank(b))
        .map(([group, curves]) => (
          <div key={group}>
            <h2>{titles[group] ?? group}</h2>
            <div class="charts">
              {curves.map((curve) => (
                <Chart key={curve} curve={curve} />
              ))}
            </div>
          </div>
        ))}
    </>
  );
}
