/** Our side of a whole training run: a program that the benchmark starts with the recipe as its argument. */

import '@omma/cpu';
import { Runner } from '@omma/engine';
import type { Message } from './protocol.ts';
import { configOf, parseRecipe } from './recipe.ts';

process.stdout.write(`${JSON.stringify(await trained())}\n`);
process.exit();

async function trained(): Promise<Message> {
  try {
    const runner = await Runner.create(configOf(parseRecipe(process.argv[2])));
    const { metrics } = await runner.train();
    const top1 = metrics['accuracy/top1'];
    if (top1 === undefined) throw new Error('the run was not evaluated');
    return { event: 'finished', top1 };
  } catch (error) {
    return {
      event: 'failed',
      reason: { kind: 'failed', text: error instanceof Error ? error.message : String(error) },
    };
  }
}
