import { dirname, join } from "node:path";
import protobuf from "protobufjs";

const { Root, Type } = protobuf;

/** Request and answer of core's `main`, by the `.proto` files that lie beside its bundle. */
export interface CoreProtos {
  encodeRequest(request: object): Uint8Array;
  /** The compiled graph in protobuf's JSON form, as `dataform compile --json` prints it. */
  decodeGraph(response: Uint8Array): object;
  /** The keys that a message such as `dataform.ActionConfig.TableConfig` knows, those of its own messages included. */
  keysOf(message: string): string[];
}

const loaded = new Map<string, CoreProtos>();

/** @param corePath absolute path of core's `bundle.js` */
export function coreProtos(corePath: string): CoreProtos {
  const known = loaded.get(corePath);
  if (known) return known;
  const root = new Root();
  const folder = dirname(corePath);
  root.loadSync([join(folder, "core.proto"), join(folder, "configs.proto"), join(folder, "jit.proto")]);
  const requestType = root.lookupType("dataform.CoreExecutionRequest");
  const responseType = root.lookupType("dataform.CoreExecutionResponse");
  const protos: CoreProtos = {
    encodeRequest: (request) => requestType.encode(requestType.fromObject(request)).finish(),
    decodeGraph(response) {
      const decoded = responseType.decode(response).toJSON() as { compile?: { compiledGraph?: object } };
      return decoded.compile?.compiledGraph ?? {};
    },
    keysOf(message) {
      return [...messageKeys(root.lookupType(message))];
    },
  };
  loaded.set(corePath, protos);
  return protos;
}

function messageKeys(
  type: protobuf.Type,
  keys = new Set<string>(),
  seen = new Set<protobuf.Type>(),
): Set<string> {
  if (seen.has(type)) return keys;
  seen.add(type);
  for (const field of type.fieldsArray) {
    keys.add(field.name);
    const { resolvedType } = field.resolve();
    // Struct holds what the user likes: it knows no keys.
    if (resolvedType instanceof Type && resolvedType.name !== "Struct") messageKeys(resolvedType, keys, seen);
  }
  return keys;
}
