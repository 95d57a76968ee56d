export type RelationKind = "table" | "partitioned table" | "view" | "materialized view" | "other";

export interface ColumnFact {
  readonly name: string;
  /** As `format_type` writes it: `numeric(10,2)`. */
  readonly type: string;
  readonly notNull: boolean;
}

/** A column of a relation, with its type as the catalog numbers it. */
export interface StandingColumn extends ColumnFact {
  readonly typeId: number;
  /** Such as the length of a `varchar`; -1 for none. */
  readonly typeModifier: number;
}

export interface GrantFact {
  /** Null for `public`. */
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
  /** Set for a grant on one column. */
  readonly column: string | null;
}

export interface CommentFact {
  /** Null for the relation itself. */
  readonly column: string | null;
  readonly text: string;
}

export interface IndexFact {
  readonly name: string;
  readonly definition: string;
  readonly unique: boolean;
  readonly valid: boolean;
  /** True for a unique index on plain columns over all rows: what `refresh concurrently` and keyed changes need. */
  readonly isKey: boolean;
  readonly columns: readonly string[];
  /** Definition of the constraint that owns it, such as `PRIMARY KEY (id)`. */
  readonly constraint: string | null;
  readonly comment: string | null;
}

/** A view or materialized view that reads the relation directly. */
export interface DependentView {
  readonly schema: string;
  readonly name: string;
  readonly kind: "view" | "materialized view";
  /** Its query, with the relation's own schema left out of every name (search_path was that schema). */
  readonly definition: string;
  readonly options: readonly string[];
  readonly columns: readonly string[];
  /** Columns of the relation that it reads. */
  readonly readsColumns: readonly string[];
  /** How far it stands above the relation: what stands higher is locked first. */
  readonly depth: number;
  readonly replaceable: boolean;
  readonly populated: boolean;
}

export interface NamedDefinition {
  readonly name: string;
  readonly definition: string;
  readonly comment: string | null;
}

/** Statements that re-create what hangs on a relation; names of the relation's schema are left out of them. */
export interface RelationFacts {
  readonly oid: number;
  readonly kind: RelationKind;
  readonly owner: string;
  /** True when we may act for the owner. */
  readonly ownedByUs: boolean;
  readonly isOwnedByCurrentUser: boolean;
  /** True when default privileges grant something on every new relation of ours. */
  readonly hasDefaultGrants: boolean;
  readonly unlogged: boolean;
  readonly options: readonly string[];
  readonly rowSecurity: boolean;
  readonly forceRowSecurity: boolean;
  readonly columns: readonly StandingColumn[];
  readonly grants: readonly GrantFact[];
  readonly comments: readonly CommentFact[];
  readonly indexes: readonly IndexFact[];
  /** Check and foreign-key constraints of the relation itself. */
  readonly constraints: readonly NamedDefinition[];
  readonly triggers: readonly (NamedDefinition & { readonly enabled: string })[];
  readonly policies: readonly NamedDefinition[];
  /** Columns that may not be null; `constraint` is the name that PostgreSQL 18 and later give to that. */
  readonly notNulls: readonly { readonly column: string; readonly constraint: string | null }[];
  /** `alter column ...` actions for defaults and statistics targets. */
  readonly columnSettings: readonly {
    readonly column: string;
    readonly action: string;
    readonly isDefault: boolean;
  }[];
  /** What follows `replica identity`; null for the default. */
  readonly replicaIdentity: string | null;
  /** `definition` is what follows the name in `create statistics`. */
  readonly statistics: readonly {
    readonly schema: string;
    readonly name: string;
    readonly definition: string;
    readonly comment: string | null;
  }[];
  readonly rules: readonly NamedDefinition[];
  readonly views: readonly DependentView[];
  /** `create or replace` of functions with SQL bodies, `alter policy`, rules of other relations. */
  readonly otherDependents: readonly {
    readonly description: string;
    readonly statement: string;
    readonly replaceable: boolean;
  }[];
  /** What a change of identity (a new OID) would break, for people: foreign keys in, publications, row-type users ... */
  readonly identityUsers: readonly string[];
  /** How a partitioned table is partitioned; null for any other relation. A column is null where it is an expression. */
  readonly partitionedBy: {
    readonly kind: "range" | "list" | "hash";
    readonly columns: readonly (string | null)[];
  } | null;
  /** Partitions of a partitioned table, with their bounds. */
  readonly partitions: readonly {
    readonly name: string;
    readonly bound: string;
    readonly unlogged: boolean;
    readonly options: readonly string[];
  }[];
  /** See `readCarriedState`. */
  readonly carried: string;
  /** Server's `deadlock_timeout` in milliseconds. */
  readonly deadlockTimeout: number;
}
