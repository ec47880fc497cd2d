/**
 * @omma/classification: backbones, necks, heads, losses, data sets, metrics of image classification.
 *
 * A task: above the engine and vision, below the command line. A folder a family, a file a model.
 */

export * from './backbones/resnet.ts';
export * from './classifiers/averageClsScoreTTA.ts';
export * from './classifiers/imageClassifier.ts';
export { transforms } from './datasets/register.ts';
export * from './datasets/transformsOf.ts';
export * from './heads/linearClsHead.ts';
export * from './inference/checkpointModel.ts';
export * from './inference/classify.ts';
export * from './inference/inferencer.ts';
export * from './inference/pictureModel.ts';
export * from './metrics/accuracy.ts';
export * from './necks/globalAveragePooling.ts';
export * from './register.ts';

import './openmmlab.ts';
