/** The comparison as the page docs/openmmlab-configs.md. */

import type { Comparison } from './compare.ts';

const head = `# OpenMMLab's config files, read by Omma and by MMEngine

Each file is resolved by Omma, which parses it and runs nothing, and by \`Config.fromfile\` of MMEngine 0.10.7; then the values are compared, bit by
bit in floats, and with Python's kinds kept apart (1 and 1.0, lists and tuples). How to repeat it, on a machine with Python:

\`\`\`sh
python3 -m venv peers && peers/bin/pip install --no-deps mmengine==0.10.7 mmdet==3.3.0 mmpretrain==1.2.0
peers/bin/pip install addict pyyaml yapf rich termcolor numpy packaging platformdirs
S=$(peers/bin/python -c 'import site; print(site.getsitepackages()[0])')
# the configs of the wheels, and those of the new style, which only the repositories have: mmdetection at cfd5d3a, mmpretrain at ee7f2e8
peers/bin/python tools/config-peers/mmengine_configs.py peer.jsonl $S/mmdet/.mim/configs $S/mmpretrain/.mim/configs mmdetection/mmdet/configs mmpretrain/mmpretrain/configs
node tools/dist/configs/main.js peer.jsonl --package-path $S --strip $S=site-packages --out docs/openmmlab-configs.md
\`\`\`

MMEngine must be run by the system's Python: in other places it takes \`import copy\` for a third-party module, and reads the file in the other style.
`;

/** Rows that the page shows; those that are not plainly equal are all shown. */
const mostRows = 250;

/** `strips` are PREFIX=NAME: folders of this machine, and what the page calls them. */
export function report(results: readonly Comparison[], strips: readonly string[]): string {
  const rename = (text: string) =>
    strips.reduce((name, strip) => {
      const at = strip.lastIndexOf('=');
      return name.replaceAll(strip.slice(0, at), strip.slice(at + 1));
    }, text);
  const every = Math.max(1, Math.ceil(results.length / mostRows));
  const shown = results.filter(({ verdict }, i) => verdict !== 'equal' || i % every === 0);
  const rows = shown.map(({ file, verdict, hash, reason }) => {
    const detail = verdict === 'equal' ? hash : reason;
    return `| ${rename(file)} | ${verdict} | ${rename(detail ?? '').replaceAll('|', '\\|')} |`;
  });
  return `${head}
${summary(results, every)}

| file | verdict | SHA-256 of the value (first 16 digits), or why there is none |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function summary(results: readonly Comparison[], every: number): string {
  const count = (verdict: Comparison['verdict']) =>
    results.filter((result) => result.verdict === verdict).length;
  const sample = every === 1 ? '' : `; of the equal ones, every ${every}th is shown`;
  return (
    `${results.length} files: ${count('equal')} equal, ${count('both refuse')} refused by both (they use a name that nothing defines or a base that is ` +
    `not there, or are programs), ${count('explained')} with a difference that is meant, ${count('different')} different${sample}.`
  );
}
