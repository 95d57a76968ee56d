import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { DOMParser } from "linkedom";
import { neutralised, toCsv } from "../../src/report/csv.js";
import { toXlsx } from "../../src/report/xlsx.js";
import { zip } from "../../src/report/zip.js";

const fields = { name: { label: "Name" }, usage: { label: "Usage", unit: "m³" }, on: { label: "On" } };

describe("CSV", () => {
  it("writes plain numbers and ISO dates behind a byte order mark", () => {
    const rows = [
      { name: 'a "b", c', usage: 1234.5, on: new Date("2024-01-31") },
      { name: null, usage: null, on: null },
    ];
    expect(toCsv(rows, fields)).toBe('\uFEFFName,Usage (m³),On\r\n"a ""b"", c",1234.5,2024-01-31\r\n,,\r\n');
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =cmd|'/c calc'!A0", "%0A", "|x"])(
    "disarms the formula %j",
    (formula) => {
      expect(neutralised(formula)).toBe(`'${formula}`);
      expect(toCsv([{ name: formula, usage: null, on: null }], fields)).not.toMatch(/(^|,|\n)"?\s*[=+\-@|%]/);
    },
  );

  it("leaves negative numbers alone: they are numbers, not texts", () => {
    expect(toCsv([{ name: "x", usage: -3, on: null }], fields)).toContain("x,-3,");
  });

  it("can be read back whatever the texts hold", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.integer()), { minLength: 1 }),
        (values) => {
          const rows = values.map(([name, usage]) => ({ name, usage, on: null }));
          const read = parseCsv(toCsv(rows, fields).slice(1));
          expect(read.slice(1)).toEqual(
            values.map(([name, usage]) => [neutralised(name), String(usage), ""]),
          );
        },
      ),
    );
  });
});

describe("XLSX", () => {
  it("holds texts as texts, whatever they begin with, and numbers and dates as such", () => {
    const parts = unzip(
      toXlsx("A/B: [x]", [{ name: "=1+1 <&>\u0000", usage: 0.5, on: new Date("2024-01-31") }], fields),
    );
    const sheet = parts.get("xl/worksheets/sheet1.xml") ?? "";
    expect(sheet).toContain('t="inlineStr"><is><t xml:space="preserve">=1+1 &lt;&amp;&gt;</t>');
    expect(sheet).not.toContain("<f>");
    expect(sheet).toContain("<v>0.5</v>");
    expect(sheet).toContain("<v>45322</v>");
    expect(parts.get("xl/workbook.xml")).toContain('name="A B   x"');
  });

  it("is made of well-formed parts that name one another", () => {
    const parts = unzip(toXlsx("Orders", [{ name: "x", usage: 1, on: null }], fields));
    for (const [name, text] of parts) {
      const root = new DOMParser().parseFromString(text, "text/xml").documentElement;
      expect(root, name).not.toBeNull();
    }
    const relations = parts.get("xl/_rels/workbook.xml.rels") ?? "";
    for (const [, target = ""] of relations.matchAll(/Target="([^"]+)"/g))
      expect([...parts.keys()]).toContain(`xl/${target}`);
  });

  it("packs the same entries into the same bytes", () => {
    const entries = [{ name: "ä.txt", content: new TextEncoder().encode("hello") }];
    expect(zip(entries)).toEqual(zip(entries));
    expect(unzip(zip(entries)).get("ä.txt")).toBe("hello");
  });
});

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    let value = "";
    if (text[at] === '"') {
      at += 1;
      for (; !(text[at] === '"' && text[at + 1] !== '"'); at += 1) {
        if (text[at] === '"') at += 1;
        value += text[at] ?? "";
      }
      at += 1;
    } else
      for (; at < text.length && text[at] !== "," && !text.startsWith("\r\n", at); at += 1)
        value += text[at] ?? "";
    lines.at(-1)?.push(value);
    if (text.startsWith("\r\n", at)) {
      at += 2;
      if (at < text.length) lines.push([]);
    } else at += 1;
  }
  return lines;
}

/** Entries of an archive by its central directory, with their checksums compared to an independent CRC. */
function unzip(archive: Uint8Array): Map<string, string> {
  const bytes = Buffer.from(archive);
  const end = bytes.length - 22;
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50);
  const parts = new Map<string, string>();
  let at = bytes.readUInt32LE(end + 16);
  for (let index = 0; index < bytes.readUInt16LE(end + 10); index++) {
    expect(bytes.readUInt32LE(at)).toBe(0x02014b50);
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const local = bytes.readUInt32LE(at + 42);
    expect(bytes.readUInt32LE(local)).toBe(0x04034b50);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
    expect(bytes.readUInt32LE(at + 16)).toBe(slowCrc(content));
    parts.set(name, content.toString("utf8"));
    at += 46 + nameLength;
  }
  return parts;
}

/** CRC-32 bit by bit. */
function slowCrc(content: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
