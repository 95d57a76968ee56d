import { dirname, join } from "node:path";
import protobuf from "protobufjs";

const { Root, Type } = protobuf;

/** What core takes and gives, by the `.proto` files that lie beside its bundle; messages by their name below `dataform.` */
export interface CoreProtos {
  encode(message: string, value: object): Uint8Array;
  /** The message in protobuf's JSON form. */
  decode(message: string, bytes: Uint8Array): object;
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
  const type = (message: string): protobuf.Type => root.lookupType(`dataform.${message}`);
  const protos: CoreProtos = {
    encode: (message, value) => type(message).encode(type(message).fromObject(value)).finish(),
    decode: (message, bytes) => type(message).decode(bytes).toJSON(),
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
