import { attributeOf, XmlScanner, type XmlHandler } from "./xml-scanner.js";
import { readContent } from "../unpack.js";
import { readZipDirectory, type ZipMember } from "../zip-directory.js";

/** The parts of an Office Open XML package. */
export interface XlsxParts {
  has(name: string): boolean;
  /** Streams a part through a handler. */
  scan(name: string, handler: XmlHandler, onBytes?: (bytes: number) => void): Promise<void>;
}

/**
 * Opens a package by its directory. Nothing is unpacked that is not asked for: macros, images and links to other workbooks
 * are never read.
 *
 * @param shown the workbook's name for messages
 * @throws AquiferError `bad-archive`, `archive-bomb`
 */
export async function openXlsxParts(path: string, shown: string): Promise<XlsxParts> {
  const members = new Map<string, ZipMember>();
  for (const member of await readZipDirectory(path, shown)) {
    const name = member.name.toLowerCase();
    if (members.has(name)) throw new Error(`it holds ${member.name} twice`);
    members.set(name, member);
  }
  return {
    has: (name) => members.has(name.toLowerCase()),
    async scan(name, handler, onBytes) {
      const member = members.get(name.toLowerCase());
      if (!member) throw new Error(`it has no ${name}`);
      const scanner = new XmlScanner(handler);
      const decoder = new TextDecoder("utf-8", { fatal: true });
      const file = { fullPath: path, packing: { kind: "zip" as const, member } };
      for await (const chunk of readContent(file, shown)) {
        scanner.push(decoder.decode(chunk, { stream: true }));
        onBytes?.(chunk.length);
      }
      scanner.push(decoder.decode());
      scanner.end();
    },
  };
}

/** Part names by the ids of a part's relationships, each with the last word of its type. */
export async function readRelationships(
  parts: XlsxParts,
  part: string,
): Promise<ReadonlyMap<string, { readonly part: string; readonly type: string }>> {
  const slash = part.lastIndexOf("/") + 1;
  const name = `${part.slice(0, slash)}_rels/${part.slice(slash)}.rels`;
  const found = new Map<string, { part: string; type: string }>();
  if (!parts.has(name)) return found;
  await parts.scan(name, {
    open(element, attributes) {
      if (element !== "Relationship" || attributeOf(attributes, "TargetMode") === "External") return;
      const target = attributeOf(attributes, "Target") ?? "";
      found.set(attributeOf(attributes, "Id") ?? "", {
        part: target.startsWith("/") ? target.slice(1) : resolve(part.slice(0, slash), target),
        type: (attributeOf(attributes, "Type") ?? "").split("/").at(-1) ?? "",
      });
    },
    close: () => undefined,
    text: () => undefined,
  });
  return found;
}

/** @example resolve("xl/", "../styles.xml") // "styles.xml" */
function resolve(folder: string, target: string): string {
  const path: string[] = [];
  for (const step of `${folder}${target}`.split("/")) {
    if (step === "..") path.pop();
    else if (step !== "." && step !== "") path.push(step);
  }
  return path.join("/");
}
