/**
 * The reference device with state rounded to its dtype after every run, as every other device keeps it. The reference device itself keeps
 * float64 from step to step, so a checkpoint of it is a rounding away from what it holds.
 */

import {
  type CompileOptions,
  type Device,
  device,
  type Executable,
  type Graph,
  registerDevice,
} from '@omma/core';

class ExactDevice implements Device {
  readonly name = 'exact';
  readonly #inner = device('reference');
  readonly capabilities = this.#inner.capabilities;

  supports: Device['supports'] = (node, graph) => this.#inner.supports(node, graph);
  allocate: Device['allocate'] = (type) => this.#inner.allocate(type);
  free: Device['free'] = (buffer) => this.#inner.free(buffer);
  upload: Device['upload'] = (buffer, data) => this.#inner.upload(buffer, data);
  download: Device['download'] = (buffer) => this.#inner.download(buffer);
  memory: Device['memory'] = () => this.#inner.memory();
  synchronize: Device['synchronize'] = () => this.#queue;
  dispose: Device['dispose'] = () => undefined;
  #queue: Promise<void> = Promise.resolve();

  async compile(graph: Graph, options: CompileOptions): Promise<Executable> {
    const executable = await this.#inner.compile(graph, options);
    return {
      bytes: executable.bytes,
      profile: () => executable.profile(),
      dispose: () => executable.dispose(),
      run: (inputs) => {
        const result = this.#queue.then(async () => {
          const outputs = await executable.run(inputs);
          for (const buffer of options.state.values()) await this.upload(buffer, await this.download(buffer));
          return outputs;
        });
        this.#queue = result.then(
          () => undefined,
          () => undefined,
        );
        return result;
      },
    };
  }
}

registerDevice({ name: 'exact', priority: -1, available: () => true, create: () => new ExactDevice() });
