/** Things that must be given back, in the reverse order of their taking, whatever goes wrong in between. */

export class Resources {
  readonly #releases: (() => void)[] = [];

  /** Remembers how to give something back. */
  add(release: () => void): void {
    this.#releases.push(release);
  }

  /** Gives everything back. All releases are tried; the first failure is thrown at the end. */
  release(): void {
    let failure: unknown = null;
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
      try {
        release();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }
}

/** Runs `build`, which takes things into `resources`; when it fails, what it took until then is given back. */
export function building<T>(resources: Resources, build: () => T): T {
  try {
    return build();
  } catch (error) {
    try {
      resources.release();
    } catch {
      // The first error is the cause; what fails after it on the way back says nothing new.
    }
    throw error;
  }
}
