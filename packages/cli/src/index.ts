/**
 * @omma/cli: the commands of `omma` as functions.
 *
 * The highest room: it may import every other package and none imports it.
 */
export {};
