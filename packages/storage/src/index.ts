/**
 * @omma/storage: where files lie and how they are read. Ranges of bytes from disk, HTTP and S3; tar shards, zip archives and LMDB stores by random access;
 * files that are written whole or not at all.
 */

export * from './archive/archive.ts';
export { LmdbArchive } from './archive/lmdbArchive.ts';
export * from './archive/openArchive.ts';
export * from './archive/tarArchive.ts';
export * from './archive/zipArchive.ts';
export * from './archive/zipDirectory.ts';
export * from './byteSource.ts';
export { cacheFolder, type DownloadOptions, download, fileName } from './download.ts';
export * from './files.ts';
export * from './localSource.ts';
export * from './location.ts';
export { type ByteRange, gathered, readRanges } from './ranges.ts';
export * from './readAhead.ts';
