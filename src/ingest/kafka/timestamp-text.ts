/**
 * A message's time, milliseconds since 1970, as PostgreSQL reads it in any session; undefined where it cannot be read, since
 * producers may send whatever number they like.
 */
export function timestampText(milliseconds: number): string | undefined {
  const date = new Date(milliseconds);
  // Of years before 0 and after 9999 JavaScript writes a sign and six digits.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1) return undefined;
  return date.toISOString().replace(/^\+0*/, "");
}
