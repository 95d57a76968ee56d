/// <reference lib="dom" />
import type { Chart, DataTable, ReportRow } from "../../project/report.js";
import { toCsv } from "../csv.js";
import { toXlsx } from "../xlsx.js";
import type { DownloadForm } from "../view/card-parts.js";

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** Saves an item as a file: its rows, or its picture. */
export async function download(
  form: DownloadForm,
  item: Chart | DataTable,
  rows: readonly ReportRow[],
  fileName: string,
  svg: SVGElement | null,
): Promise<void> {
  const name = `${fileName}-${slug(item.title)}.${form}`;
  switch (form) {
    case "csv":
      return save(new Blob([toCsv(rows, item.fields)], { type: "text/csv;charset=utf-8" }), name);
    case "svg":
      if (svg) save(new Blob([standalone(svg, item.title)], { type: "image/svg+xml" }), name);
      return;
    case "png":
      if (svg) save(await picture(svg, item.title), name);
      return;
    case "xlsx":
      return save(
        new Blob([toXlsx(item.title, rows, item.fields) as Uint8Array<ArrayBuffer>], { type: xlsxType }),
        name,
      );
  }
}

/** `Customers by job` as `customers-by-job`. */
export function slug(title: string): string {
  return title
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^\p{Letter}\p{Number}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80);
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A chart as a file of its own: colours of the theme written out, a background, the title above. */
function standalone(svg: SVGElement, title: string): string {
  const style = getComputedStyle(document.documentElement);
  const copy = svg.cloneNode(true) as SVGElement;
  const [width, height] = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
  const pad = 16;
  const head = 34;
  for (const each of copy.querySelectorAll("[data-active]")) each.removeAttribute("data-active");
  const inner = new XMLSerializer().serializeToString(copy);
  const text = (value: string): string => value.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
  const written =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 2 * pad}" height="${height + 2 * pad + head}" font-family="system-ui, sans-serif" color="var(--text)" fill="var(--text)">` +
    `<rect width="100%" height="100%" fill="var(--surface)"/>` +
    `<text x="${pad}" y="${pad + 16}" font-size="16" font-weight="600">${text(title)}</text>` +
    `<svg x="${pad}" y="${pad + head}" width="${width}" height="${height}" overflow="visible">${inner}</svg></svg>`;
  return written.replace(/var\((--[\w-]+)\)/g, (_, name: string) => style.getPropertyValue(name).trim());
}

async function picture(svg: SVGElement, title: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([standalone(svg, title)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width * 2;
    canvas.height = image.height * 2;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("the browser made no picture"));
      }, "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
