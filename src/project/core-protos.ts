import { dirname, join } from "node:path";
import protobuf from "protobufjs";

const { Root } = protobuf;

/** Request and answer of core's `main`, by the `.proto` files that lie beside its bundle. */
export interface CoreProtos {
  encodeRequest(request: object): Uint8Array;
  /** The compiled graph in protobuf's JSON form, as `dataform compile --json` prints it. */
  decodeGraph(response: Uint8Array): object;
  /** Names of the config keys that a message such as `ActionConfig.TableConfig` knows. */
  fieldsOf(message: string): string[];
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
    fieldsOf(message) {
      return Object.keys(root.lookupType(`dataform.${message}`).fields);
    },
  };
  loaded.set(corePath, protos);
  return protos;
}
