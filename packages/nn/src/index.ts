/**
 * @omma/nn: modules, layers, initialisers, optimisers as graph fragments, weight files.
 *
 * Above the graph (core), below vision (cv) and the engine. Runs in Node and in the browser, so it knows neither.
 */
export {};
