/**
 * The `omma` program: reads the command line and hands over to one command.
 *
 * bin/omma.js imports this file from dist, so importing it is running it.
 */
import { Command } from 'commander';

await new Command('omma')
  .description('Train, evaluate and deploy computer-vision models in TypeScript.')
  .parseAsync();
