import { utility } from "../../ingest/samples/utility.js";
import * as support from "../support/sample-loader.js";

export const request = { customers: 240, months: 2, seed: 11 };

/** A folder with the sample's files; removed when the test ends. */
export function sampleFolder(wanted: (path: string) => boolean, asked = request): Promise<string> {
  return support.sampleFolder(utility, asked, wanted);
}

/** Writes the files of the sample whose path below raw/utility/ is wanted. */
export function writeFiles(root: string, wanted: (path: string) => boolean, asked = request): Promise<void> {
  return support.writeFiles(root, utility, asked, wanted);
}

/** Loads what lies in a folder with the repository's sources of the system. */
export function loader(root: string): Promise<support.SampleLoader> {
  return support.sampleLoader(root, "utility");
}
