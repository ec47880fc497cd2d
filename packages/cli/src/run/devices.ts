/** Makes Omma's devices known. The only place that names them: a device registers itself when its package is imported. */

import '@omma/ascend';
import '@omma/cpu';
import '@omma/onnx';
