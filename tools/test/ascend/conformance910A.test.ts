/** Products in float16, at its tolerance: the chip has no others. */
import { describeConformance } from './support/conformance.ts';

describeConformance('Ascend910A');
