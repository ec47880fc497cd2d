/** Float32 throughout: the chip multiplies it. */
import { describeConformance } from './support/conformance.ts';

describeConformance('Ascend910B3');
