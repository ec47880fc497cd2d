/** `omma ascend doctor`: tries everything that Omma needs of CANN and the chips of this machine, and writes what it found to a file. Exit code 1 when something fails. */

import { examine, type Finding } from '@omma/ascend';
import { writeAtomically } from '@omma/storage';
import pc from 'picocolors';
import '../../run/devices.ts';

export interface DoctorOptions {
  readonly out: string;
  readonly json?: boolean;
}

export async function doctor({ out, json }: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  const lines: string[] = [`omma ascend doctor, ${new Date().toISOString()}`];
  const good = await examine((finding) => {
    lines.push(`${mark(finding)} ${finding.what}: ${finding.detail}`);
    findings.push(finding);
    if (json !== true)
      process.stdout.write(`${coloured(finding)} ${pc.bold(finding.what)}  ${finding.detail}\n`);
  });
  await writeAtomically(out, [Buffer.from(`${lines.join('\n')}\n`)]);
  if (json === true) process.stdout.write(`${JSON.stringify({ good, report: out, findings })}\n`);
  else process.stdout.write(`${good ? 'all is well' : 'something fails'}; the report is in ${out}\n`);
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
