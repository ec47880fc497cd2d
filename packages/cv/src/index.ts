/**
 * @omma/cv: images, transforms, vision operators, building bricks.
 *
 * Above the layers (nn), below the tasks. It owns every pixel that is not yet a tensor.
 */
export { type ArchiveIndex, readArchiveIndex } from './data/archive/archiveIndex.ts';
export { type BuildIndexOptions, buildArchiveIndex, expandShards } from './data/archive/buildIndex.ts';
export { CIFAR10, CIFAR100, type CifarOptions } from './data/cifar.ts';
export type { ImageContext, ImageDataset, ImageSample } from './data/dataset.ts';
export { IdxDataset, type IdxDatasetOptions } from './data/idxDataset.ts';
export { type IdxArray, readIdx } from './data/idxFile.ts';
export { ImageArchive, type ImageArchiveOptions } from './data/imageArchive.ts';
export { ImageFolder, type ImageFolderOptions } from './data/imageFolder.ts';
export { transformed } from './data/imageLoader.ts';
export { type LabelledFile, PictureFiles } from './data/pictureFiles.ts';
export { sampleRandom } from './data/random.ts';
export { type Color, paletteColor } from './draw/color.ts';
export * from './draw/drawing.ts';
export type { Each } from './draw/each.ts';
export { drawFeatmap, type FeatmapOptions } from './draw/featmap.ts';
export type { TextOptions } from './draw/texts.ts';
export { decodePicture, imageExtensions, pictureSize, readPicture, readPictureFile } from './image/decode.ts';
export { decodeJpeg, type JpegSize, jpegSize, renderJpeg } from './image/jpeg.ts';
export { drawCaption, drawLabel, escapeXml, type LabelledPicture, type LabelOptions } from './image/label.ts';
export type { Picture, Plan, Region } from './image/picture.ts';
export { renderLarge } from './image/render.ts';
export { resample } from './image/resample.ts';
export * from './ops/index.ts';
export {
  buildTransforms,
  carryOut,
  type Stage,
  sizeAfter,
  type TransformChain,
} from './transforms/chain.ts';
export {
  registerTransform,
  type TransformOptions,
  type TransformRegistration,
  type TransformTypes,
  transformEntries,
} from './transforms/registry.ts';
export {
  identityPlan,
  type PixelTransform,
  type PlanTransform,
  type RandomNumbers,
  type Transform,
} from './transforms/transform.ts';
