/** Something that is told once: what is said later is not heard. */
export class Told<T> {
  readonly promise: Promise<T | undefined>;
  private resolve: (value: T | undefined) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.resolve = resolve));
  }

  say(value: T | undefined): void {
    this.resolve(value);
  }
}
