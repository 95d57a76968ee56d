/** Told of what a document holds, in its order. Names come without their namespace's prefix. */
export interface XmlHandler {
  /** @param attributes as written; see `attributeOf` */
  open(name: string, attributes: string): void;
  close(name: string): void;
  text(text: string): void;
}

/** Longest piece without an end: more is no part of a workbook. */
const maxPiece = 16 * 1024 * 1024;

/**
 * Reads XML piece by piece, for documents that are too large for the memory. It takes what programs write into workbooks: no
 * document type, so no entities but XML's own, and nothing from outside.
 */
export class XmlScanner {
  private carried = "";
  private readonly names: string[] = [];

  constructor(private readonly handler: XmlHandler) {}

  push(chunk: string): void {
    const text = this.carried + chunk;
    let position = 0;
    for (;;) {
      const start = text.indexOf("<", position);
      if (start === -1) break;
      const end = pieceEnd(text, start);
      if (end === -1) break;
      if (start > position) this.text(decodeEntities(text.slice(position, start)));
      this.piece(text.slice(start, end));
      position = end;
    }
    this.carried = text.slice(position);
    if (this.carried.length > maxPiece) throw new Error("a piece of its XML has no end");
  }

  /** Nothing follows. */
  end(): void {
    const open = this.names.at(-1);
    if (open !== undefined) throw new Error(`its XML ends inside of <${open}>`);
    if (this.carried.trim() !== "") throw new Error("its XML ends inside of a piece");
  }

  private text(text: string): void {
    if (this.names.length > 0) this.handler.text(text);
  }

  private piece(piece: string): void {
    const second = piece[1];
    if (second === "?") return;
    if (second === "!") {
      if (piece.startsWith("<![CDATA[")) this.text(piece.slice(9, -3));
      else if (!piece.startsWith("<!--")) throw new Error("its XML has a document type");
    } else if (second === "/") {
      const name = localName(piece.slice(2, -1).trimEnd());
      if (this.names.pop() !== name) throw new Error(`its XML closes <${name}>, which is not open`);
      this.handler.close(name);
    } else {
      const isEmpty = piece.endsWith("/>");
      const inside = piece.slice(1, isEmpty ? -2 : -1);
      const nameEnd = inside.search(/\s/);
      const name = localName(nameEnd === -1 ? inside : inside.slice(0, nameEnd));
      const attributes = nameEnd === -1 ? "" : inside.slice(nameEnd);
      this.handler.open(name, attributes);
      if (isEmpty) this.handler.close(name);
      else this.names.push(name);
    }
  }
}

/** Past the piece of markup that begins at `start`; -1 when its end is not there yet. */
function pieceEnd(text: string, start: number): number {
  const after = (mark: string): number => {
    const found = text.indexOf(mark, start);
    return found === -1 ? -1 : found + mark.length;
  };
  if (text.startsWith("<!--", start)) return after("-->");
  if (text.startsWith("<![CDATA[", start)) return after("]]>");
  if (text.startsWith("<?", start)) return after("?>");
  // Which of them it is may stand in the next chunk.
  if (text[start + 1] === "!" && text.length - start < 9) return -1;
  let quote = 0;
  for (let position = start + 1; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (quote !== 0) {
      if (code === quote) quote = 0;
    } else if (code === 34 || code === 39) quote = code;
    else if (code === 62) return position + 1;
  }
  return -1;
}

function localName(name: string): string {
  const colon = name.indexOf(":");
  return colon === -1 ? name : name.slice(colon + 1);
}

const attributePatterns = new Map<string, RegExp>();

/**
 * The value of an attribute, by its name without prefix.
 *
 * @example attributeOf(' r="A1" t="s"', "t") // "s"
 */
export function attributeOf(attributes: string, name: string): string | undefined {
  let pattern = attributePatterns.get(name);
  if (!pattern) {
    pattern = new RegExp(`\\s(?:[\\w.-]+:)?${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`);
    attributePatterns.set(name, pattern);
  }
  const match = pattern.exec(attributes);
  return match ? decodeEntities(match[1] ?? match[2] ?? "") : undefined;
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (all, hex, decimal, name) => {
    if (typeof name === "string") return entities[name] ?? all;
    const code = typeof hex === "string" ? parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
