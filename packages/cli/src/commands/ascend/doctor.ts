/** `omma ascend doctor`: tries everything that Omma needs of CANN and the chips of this machine, and writes what it found to a file. Exit code 1 when something fails. */

import { examine, type Finding } from '@omma/ascend';
import { writeAtomically } from '@omma/storage';
import pc from 'picocolors';
import '../../run/devices.ts';

export async function doctor({ out }: { readonly out: string }): Promise<void> {
  const lines: string[] = [`omma ascend doctor, ${new Date().toISOString()}`];
  const good = await examine((finding) => {
    lines.push(`${mark(finding)} ${finding.what}: ${finding.detail}`);
    process.stdout.write(`${coloured(finding)} ${pc.bold(finding.what)}  ${finding.detail}\n`);
  });
  await writeAtomically(out, [Buffer.from(`${lines.join('\n')}\n`)]);
  process.stdout.write(`${good ? 'all is well' : 'something fails'}; the report is in ${out}\n`);
  if (!good) process.exitCode = 1;
}

function mark({ good }: Finding): string {
  if (good === null) return '     ';
  return good ? 'ok   ' : 'FAILS';
}

function coloured(finding: Finding): string {
  const text = mark(finding);
  if (finding.good === null) return text;
  return finding.good ? pc.green(text) : pc.red(text);
}
