import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

export interface ReportServer {
  readonly url: string;
  /** Tells every open page to load again. */
  reload(): void;
  close(): Promise<void>;
}

/** The page's own policy forbids every request: the copy that is served may ask this server whether to load again. */
const reloadScript = `new EventSource("/-/changes").onmessage=()=>location.reload()`;

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  json: "application/json",
  pdf: "application/pdf",
};

/**
 * Serves a folder of reports on loopback, for `report --watch`: pages load again when told to. The files themselves stay as
 * they are built.
 */
export async function serveReports(folder: string, port = 0): Promise<ReportServer> {
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    // Another site that gave its own name this address must not read the reports.
    if (!/^(127\.0\.0\.1|localhost):\d+$/.test(request.headers.host ?? "")) {
      response.writeHead(403).end();
      return;
    }
    if (pathname === "/-/changes") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(": open\n\n");
      listeners.add(response);
      request.on("close", () => listeners.delete(response));
      return;
    }
    if (pathname === "/-/reload.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(reloadScript);
      return;
    }
    void answer(folder, pathname, response);
  });
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", resolve),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    reload() {
      for (const listener of listeners) listener.write("data: changed\n\n");
    },
    close() {
      for (const listener of listeners) listener.end();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(folder: string, pathname: string, response: ServerResponse): Promise<void> {
  const path = normalize(decoded(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
  const type = types[path.split(".").at(-1) ?? ""];
  // `normalize` of an absolute path leaves no `..` in it.
  const content = type === undefined ? undefined : await readFile(join(folder, path)).catch(() => undefined);
  if (content === undefined || type === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n");
    return;
  }
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
  response.end(path.endsWith(".html") ? withReload(content.toString()) : content);
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return "/";
  }
}

function withReload(html: string): string {
  return html
    .replace("script-src ", "connect-src 'self'; script-src 'self' ")
    .replace("</body>", `<script src="/-/reload.js"></script>\n</body>`);
}
