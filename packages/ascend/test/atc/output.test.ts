/** Reading what atc prints: real transcripts of several releases (their sources are in shared reference notes of the project). */
import { expect, it } from 'vitest';
import { explainAtc, parseAtcOutput } from '../../src/atc/output.ts';

const failed = "ATC run failed, Please check the detail log, Try 'atc --help' for more information";

it('knows success', () => {
  const output = parseAtcOutput(
    'ATC start working now, please wait for a moment.\n...\nATC run success, welcome to the next use.\n',
  );
  expect(output).toEqual({ succeeded: true, errors: [], warnings: [] });
});

it('names our operator and its module path', () => {
  const text = `${failed}\nEZ3003: No supported Ops kernel and engine are found for [Conv_12], optype [Conv2D].\n        TraceBack (most recent call last):\n        noise`;
  const output = parseAtcOutput(text);
  expect(output.succeeded).toBe(false);
  expect(output.errors).toEqual([
    { id: 'EZ3003', text: 'No supported Ops kernel and engine are found for [Conv_12], optype [Conv2D].' },
  ]);
  const origins = new Map([['Conv_12', { op: 'conv2d', scope: 'backbone.layer1.0.conv1' }]]);
  expect(explainAtc(output, origins)).toMatch(
    /^conv2d at backbone\.layer1\.0\.conv1: EZ3003: .*omma ascend check/,
  );
});

it('reads the newer form with process and time, cause and solution, and keeps warnings apart', () => {
  const text = [
    'W90000: a warning',
    'EZ3002: [PID: 141730] 2025-05-14-07:42:33.234.136 Optype [TransData] of Ops kernel [AIcoreEngine] is unsupported.',
    '        Possible Cause: a cause',
    '        Solution: a solution',
  ].join('\n');
  const { errors, warnings } = parseAtcOutput(text);
  expect(warnings).toEqual([{ id: 'W90000', text: 'a warning' }]);
  expect(errors[0]?.text).toBe(
    'Optype [TransData] of Ops kernel [AIcoreEngine] is unsupported. Possible Cause: a cause Solution: a solution',
  );
});

it('says so when no error is named', () => {
  expect(explainAtc(parseAtcOutput(failed), new Map())).toMatch(/^it names no error/);
});
