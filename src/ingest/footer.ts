/** A footer is this many records long at most. */
export const footerWindow = 20;

/** Where the footer begins among the last records: those at the end whose text matches. */
export function footerStart(last: readonly { readonly text: string }[], footer: RegExp): number {
  let start = last.length;
  while (start > 0 && footer.test(last[start - 1]?.text ?? "")) start--;
  return start;
}
