import pg from "pg";

const { builtins } = pg.types;

/** Types that JavaScript holds without loss: booleans, small integers, floats and JSON. */
const parsed = new Set<number>([
  ...[builtins.BOOL, builtins.INT2, builtins.INT4, builtins.OID, builtins.FLOAT4, builtins.FLOAT8],
  ...[builtins.JSON, builtins.JSONB],
]);

const getParser = pg.types.getTypeParser as (oid: number, format?: unknown) => unknown;

/** Everything that JavaScript would change (`bigint`, `numeric`, dates, timestamps, arrays) is kept as the server's text. */
export const textTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: unknown) =>
    parsed.has(oid) ? getParser(oid, format) : (text: string) => text,
};
