import {
  derivedIdentifier,
  formatRelation,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import {
  granularities,
  type Granularity,
  type PartitionSetting,
  type PostgresSettings,
} from "../project/postgres-settings.js";

/** One partition that the data needs. */
export interface PartitionBound {
  /** Suffix of the partition's name, such as `2024_01`. */
  readonly suffix: string;
  /** `for values ...` or `default`. */
  readonly bound: string;
}

const suffixFormats: Record<Granularity, string> = {
  hour: "YYYY_MM_DD_HH24",
  day: "YYYY_MM_DD",
  week: 'IYYY_"w"IW',
  month: "YYYY_MM",
  quarter: 'YYYY_"q"Q',
  year: "YYYY",
};

const intervals: Record<Granularity, string> = {
  hour: "1 hour",
  day: "1 day",
  week: "7 days",
  month: "1 month",
  quarter: "3 months",
  year: "1 year",
};

/** An empty partitioned table with the columns of `like`. */
export function createPartitionedTable(
  at: RelationName,
  like: RelationName,
  partition: PartitionSetting,
): string {
  return `create table ${quoteRelation(at)} (like ${quoteRelation(like)}) partition by ${partition.kind} (${quoteIdentifier(partition.column)})`;
}

/**
 * A query for the partitions that the rows of `rows` need: columns `suffix` and `bound`. A range starts at the value
 * truncated to the granularity; for `timestamptz` in UTC, so that bounds do not depend on a session's time zone.
 */
export function neededPartitions(rows: RelationName, partition: PartitionSetting): string {
  const column = quoteIdentifier(partition.column);
  const relation = quoteRelation(rows);
  switch (partition.kind) {
    case "hash":
      return `select 'h' || remainder as suffix,
  format('for values with (modulus ${partition.partitions}, remainder %s)', remainder) as bound
from generate_series(0, ${partition.partitions - 1}) as remainder`;
    case "list":
      return `select 'l_' || coalesce(left(regexp_replace(value::text, '\\W+', '_', 'g'), 24) || '_' || left(md5(value::text), 6), 'null') as suffix,
  format('for values in (%L)', value::text) as bound
from (select distinct ${column} as value from ${relation}) as distinct_values
order by 1`;
    case "range": {
      const interval = quoteLiteral(intervals[partition.granularity]);
      const format = quoteLiteral(suffixFormats[partition.granularity]);
      return `select to_char(lower_bound, ${format}) as suffix,
  case when is_zoned then format('for values from (%L) to (%L)', lower_bound::text || '+00', (lower_bound + interval ${interval})::text || '+00')
    else format('for values from (%L) to (%L)', lower_bound, lower_bound + interval ${interval}) end as bound
from (
  select distinct
    pg_typeof(${column}) = 'timestamptz'::regtype as is_zoned,
    ${lowerBound(partition)} as lower_bound
  from ${relation} where ${column} is not null and isfinite(${column})
) as bounds
order by lower_bound`;
    }
  }
}

/** Where the range partition of a row begins, a `timestamp`; for `timestamptz` in UTC. */
export function lowerBound(partition: Extract<PartitionSetting, { kind: "range" }>): string {
  const column = quoteIdentifier(partition.column);
  return `date_trunc('${partition.granularity}', case when pg_typeof(${column}) = 'timestamptz'::regtype
      then ${column}::timestamptz at time zone 'UTC' else ${column}::timestamp end)`;
}

/** The partition for rows that fit no other: those without a value, or infinite. Hash partitions take every row. */
export function defaultPartition(partition: PartitionSetting): PartitionBound | undefined {
  return partition.kind === "hash" ? undefined : { suffix: "default", bound: "default" };
}

/** Name of a partition. */
export function partitionName(table: string, bound: PartitionBound): string {
  return derivedIdentifier(table, `_${bound.suffix}`);
}

/** Makes one partition of `table` beside it. */
export function createPartition(
  table: RelationName,
  bound: PartitionBound,
  { unlogged, fillfactor }: Pick<PostgresSettings, "unlogged" | "fillfactor">,
): string {
  const partition = { schema: table.schema, name: partitionName(table.name, bound) };
  const options = fillfactor === undefined ? "" : ` with (fillfactor = ${fillfactor})`;
  return `create ${unlogged ? "unlogged " : ""}table ${quoteRelation(partition)} partition of ${quoteRelation(table)} ${bound.bound}${options}`;
}

const suffixPatterns: Record<Granularity, RegExp> = {
  hour: /^\d{4}_\d\d_\d\d_\d\d$/,
  day: /^\d{4}_\d\d_\d\d$/,
  week: /^\d{4}_w\d\d$/,
  month: /^\d{4}_\d\d$/,
  quarter: /^\d{4}_q\d$/,
  year: /^\d{4}$/,
};

/**
 * Says that the partitions of a table were made for another granularity or number of them. Where some are as they should be,
 * the others are people's own.
 */
export function partitionMismatch(
  table: RelationName,
  partition: PartitionSetting | undefined,
  standing: readonly { readonly name: string; readonly bound: string }[],
): string | undefined {
  const prefix = `${table.name}_`;
  const named = standing.filter(({ name }) => name.startsWith(prefix));
  if (partition?.kind === "range") {
    const suffixes = named.map(({ name }) => name.slice(prefix.length));
    const has = (each: Granularity): boolean => suffixes.some((suffix) => suffixPatterns[each].test(suffix));
    const other = granularities.find(has);
    if (other !== undefined && !has(partition.granularity))
      return `${formatRelation(table)} has a partition a ${other} and is to have one a ${partition.granularity}`;
  }
  if (partition?.kind === "hash") {
    const modulus = `modulus ${partition.partitions},`;
    if (standing.length > 0 && !standing.some(({ bound }) => bound.includes(modulus)))
      return `${formatRelation(table)} has ${standing.length} hash partitions and is to have ${partition.partitions}`;
  }
  return undefined;
}
