/**
 * @omma/classification: backbones, necks, heads, losses, data sets, metrics of image classification.
 *
 * A task: above the engine and vision, below the command line. A folder a family, a file a model.
 */
export {};
