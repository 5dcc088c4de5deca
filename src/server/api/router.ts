import { ProtocolError } from '../../protocol/index.ts';

interface Routed {
  readonly method: 'GET' | 'POST';
  /** `/api/users/:id/send`: `:name` matches any text without an unescaped slash. */
  readonly path: string;
}

export interface Found<Route> {
  readonly route: Route;
  /** The parameters of the path, unescaped. */
  readonly params: Readonly<Record<string, string>>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

/** Finds the route of a request in a table. */
export class Router<Route extends Routed> {
  /** By path: the routes by method. */
  readonly #fixed = new Map<string, Map<string, Route>>();
  readonly #named = new Map<string, { parts: readonly string[]; methods: Map<string, Route> }>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const { method, path } = route;
      const known = this.#fixed.get(path) ?? this.#named.get(path)?.methods;
      const methods = known ?? new Map<string, Route>();
      methods.set(method, route);
      if (path.includes('/:')) this.#named.set(path, { parts: path.split('/'), methods });
      else this.#fixed.set(path, methods);
    }
  }

  /**
   * HEAD goes to the route of GET.
   * @throws ProtocolError NO_SUCH_ROUTE; METHOD_NOT_ALLOWED, after telling `onAllow` which methods there are.
   */
  find(method: string, path: string, onAllow: (methods: string) => void): Found<Route> {
    const [methods, params] = this.#match(path);
    if (!methods)
      throw new ProtocolError('NO_SUCH_ROUTE', `there is nothing at this path; /api/openapi.json lists what there is`);
    const route = methods.get(method === 'HEAD' ? 'GET' : method);
    if (route) return { route, params };
    const allow = [...methods.keys()].map((one) => (one === 'GET' ? 'GET, HEAD' : one)).join(', ');
    onAllow(allow);
    throw new ProtocolError('METHOD_NOT_ALLOWED', `${path} takes ${allow}`);
  }

  #match(path: string): [methods: Map<string, Route> | undefined, params: Readonly<Record<string, string>>] {
    const fixed = this.#fixed.get(path);
    if (fixed) return [fixed, NO_PARAMS];
    const parts = path.split('/').map(unescaped);
    for (const { parts: pattern, methods } of this.#named.values()) {
      if (pattern.length !== parts.length) continue;
      const isNamed = (at: number) => pattern[at]!.startsWith(':');
      if (!parts.every((part, at) => part !== undefined && (isNamed(at) ? part !== '' : part === pattern[at])))
        continue;
      const names = pattern.flatMap((name, at) => (isNamed(at) ? [[name.slice(1), parts[at]!] as const] : []));
      return [methods, Object.fromEntries(names)];
    }
    return [undefined, NO_PARAMS];
  }
}

/** Undefined when it is not escaped UTF-8. */
function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
