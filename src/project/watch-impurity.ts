import { isAbsolute } from "node:path";

/** Modules of Node whose results depend on their arguments alone. */
const pureModules = new Set([
  "path",
  "url",
  "util",
  "querystring",
  "string_decoder",
  "assert",
  "buffer",
  "events",
]);

/**
 * Watches, in this thread, whether the project's code depends on anything but files: the clock, chance, the environment,
 * or a module of Node that reads the world; or prints, which it must do every time. If it does none of that, a compiled
 * result may be used again while the files stay the same.
 */
export function watchImpurity(): {
  readonly onRequired: (resolved: string) => void;
  /** Absolute paths of the files that were loaded; undefined when the code depends on more. */
  readonly reads: () => readonly string[] | undefined;
} {
  const files = new Set<string>();
  let isImpure = false;
  const impure = (): void => {
    isImpure = true;
  };
  globalThis.Date = new Proxy(Date, {
    construct(target, args: unknown[], newTarget) {
      if (args.length === 0) impure();
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target) {
      impure();
      return target();
    },
    get(target, key) {
      if (key === "now") impure();
      return Reflect.get(target, key) as unknown;
    },
  });
  const random = Math.random.bind(Math);
  Math.random = () => {
    impure();
    return random();
  };
  process.env = new Proxy(process.env, {
    get(target, key) {
      impure();
      return Reflect.get(target, key) as unknown;
    },
    has(target, key) {
      impure();
      return Reflect.has(target, key);
    },
    ownKeys(target) {
      impure();
      return Reflect.ownKeys(target);
    },
  });
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (text: string | Uint8Array) => {
      impure();
      return write(text);
    };
  }
  for (const name of ["performance", "crypto", "fetch"] as const) {
    const value: unknown = globalThis[name];
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        impure();
        return value;
      },
    });
  }
  return {
    onRequired(resolved) {
      if (isAbsolute(resolved)) files.add(resolved);
      else if (!pureModules.has(resolved.replace(/^node:/, ""))) impure();
    },
    reads: () => (isImpure ? undefined : [...files]),
  };
}
