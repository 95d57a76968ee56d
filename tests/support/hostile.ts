import fc from "fast-check";

const nasty = [
  `"`,
  `'`,
  `;`,
  `--`,
  `/*`,
  `*/`,
  `$$`,
  `\\`,
  ` `,
  `.`,
  `,`,
  `(`,
  `)`,
  `%`,
  `$1`,
  `\n`,
  `é`,
  `😀`,
  `select`,
  `A`,
  `a`,
  `null`,
];

/** Names that PostgreSQL can hold and that break careless quoting; at most 60 bytes. */
export const hostileName = fc
  .array(fc.constantFrom(...nasty), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((name) => Buffer.byteLength(name) <= 60);

/** Texts that break careless quoting, and null. */
export const hostileValue = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...nasty), { maxLength: 4 }).map((parts) => parts.join("")),
  },
);
