/** The benchmark's networks, built with Omma: the same layers as tools/bench-peers/models.py. */

import { GlobalAveragePooling, ImageClassifier, LinearClsHead, ResNet } from '@omma/classification';
import type { ModelName } from './job.ts';
import { MobileNetV2 } from './mobileNetV2.ts';

export const classes = 1000;

/** A classifier for float32 pictures [N, 3, size, size]. */
export function buildNetwork(name: ModelName): ImageClassifier {
  const backbone = backboneOf(name);
  return new ImageClassifier({
    backbone,
    neck: new GlobalAveragePooling(),
    head: new LinearClsHead({ numClasses: classes, inChannels: backbone.outChannels }),
  });
}

function backboneOf(name: ModelName): ResNet | MobileNetV2 {
  switch (name) {
    case 'resnet18':
      return new ResNet({ depth: 18 });
    case 'resnet50':
      return new ResNet({ depth: 50 });
    case 'mobilenet_v2':
      return new MobileNetV2();
  }
}
