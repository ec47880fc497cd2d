/**
 * @omma/tools: the programs of the repository (demo, bench, golden, conformance), a folder each.
 *
 * Beside the command line, never published. `npm run demo` starts dist/demo/main.js, and so on.
 */
export {};
