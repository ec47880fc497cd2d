/** All rules. Importing this file registers them. */

import './contract.ts';
import './elementwise.ts';
import './gather.ts';
import './gradients.ts';
import './normalisation.ts';
import './reduce.ts';
import './source.ts';
import './view.ts';
import './vision.ts';
import './window.ts';
