import {
  isNode,
  itemOf,
  nodes,
  number,
  readNodeTree,
  subqueries,
  text,
  valuesOf,
  type NodeValue,
  type TreeNode,
} from "./node-tree.js";

/** A column of a relation by the catalog's numbers: `16400.2`; column 0 is the whole row. */
export type ColumnNumber = `${number}.${number}`;

/** Where an output column comes from. */
export interface OutputLineage {
  readonly name: string;
  /** Columns that its value is computed from. */
  readonly from: ReadonlySet<ColumnNumber>;
}

export interface QueryLineage {
  readonly outputs: readonly OutputLineage[];
  /** Columns that filter, join, group or order the rows, and so act on every output. */
  readonly through: ReadonlySet<ColumnNumber>;
}

/** A column that a statement writes; column 0 stands for all columns of a table whose rows it deletes. */
export interface WriteLineage {
  readonly column: ColumnNumber;
  readonly from: ReadonlySet<ColumnNumber>;
  readonly through: ReadonlySet<ColumnNumber>;
}

/** `commandType` of a query (`src/include/nodes/nodes.h`). */
const commands = { update: 2, insert: 3, delete: 4, merge: 5 };

/** `rtekind` of a range table entry (`src/include/nodes/parsenodes.h`, PostgreSQL 18). */
const kinds = {
  relation: 0,
  subquery: 1,
  join: 2,
  function: 3,
  tableFunction: 4,
  values: 5,
  cte: 6,
  group: 9,
};

/** `paramkind` of what `set (a, b) = (select ...)` assigns (`src/include/nodes/primnodes.h`). */
const multipleExpressions = 3;

/**
 * The lineage of a view, from its rewrite rule's `ev_action`: the query as the server analysed it, every name resolved.
 */
export function queryLineage(action: string): QueryLineage {
  const [query] = nodes(readNodeTree(action));
  if (query === undefined) return { outputs: [], through: new Set() };
  const analysis = new Analysis(query, undefined);
  return {
    outputs: analysis.outputs().map(({ name, index }) => ({ name, from: analysis.output(index) })),
    through: analysis.through(),
  };
}

/**
 * What statements write and from where, from a function's `prosqlbody`: `insert`, `update`, `delete` and `merge`, also those
 * inside `with`.
 */
export function writeLineage(body: string): WriteLineage[] {
  return subqueries(readNodeTree(body)).flatMap((query) => new Analysis(query, undefined).writes());
}

/** One query level: a select and what stands in its FROM. */
class Analysis {
  private readonly known = new Map<number, Set<ColumnNumber>>();
  private readonly below = new Map<TreeNode, Analysis>();
  private conditions: Set<ColumnNumber> | undefined;

  constructor(
    private readonly query: TreeNode,
    private readonly parent: Analysis | undefined,
  ) {}

  outputs(): { readonly name: string; readonly index: number }[] {
    return this.targets()
      .filter(({ fields }) => fields["resjunk"] !== "true")
      .map(({ fields }) => ({ name: text(fields["resname"]), index: number(fields["resno"]) }));
  }

  /** What an output column is computed from. */
  output(index: number): Set<ColumnNumber> {
    const done = this.known.get(index);
    if (done) return done;
    const found = new Set<ColumnNumber>();
    // Set first: a recursive query asks for itself while it is being answered.
    this.known.set(index, found);
    const leaves = this.setLeaves();
    if (leaves.length > 0) {
      for (const leaf of leaves) addAll(found, this.variable(leaf, index));
    } else {
      const target = this.targets().find(({ fields }) => number(fields["resno"]) === index);
      addAll(found, this.expression(target?.fields["expr"]));
    }
    return found;
  }

  /** What filters, joins, groups or orders this query and those that it reads. */
  through(): Set<ColumnNumber> {
    if (this.conditions) return this.conditions;
    const found = new Set<ColumnNumber>();
    this.conditions = found;
    const { fields } = this.query;
    for (const name of ["havingQual", "limitCount", "limitOffset", "mergeJoinCondition"]) {
      addAll(found, this.expression(fields[name]));
    }
    for (const quals of [
      ...valuesOf(fields["jointree"], "quals"),
      ...valuesOf(fields["mergeActionList"], "qual"),
      ...valuesOf(fields["onConflict"], "onConflictWhere"),
    ])
      addAll(found, this.expression(quals));
    const clauses = ["groupClause", "sortClause", "distinctClause", "windowClause", "groupingSets"];
    const references = new Set(
      clauses.flatMap((name) => valuesOf(fields[name], "tleSortGroupRef")).map(number),
    );
    for (const { fields: target } of this.targets()) {
      const reference = number(target["ressortgroupref"]);
      if (reference > 0 && references.has(reference)) addAll(found, this.expression(target["expr"]));
    }
    for (const subquery of Object.values(fields).flatMap(subqueries)) {
      addAll(found, this.child(subquery).through());
    }
    for (const entry of nodes(fields["rtable"])) addAll(found, this.cte(entry)?.through() ?? new Set());
    return found;
  }

  /** What this query and those that it reads write. */
  writes(): WriteLineage[] {
    const { fields } = this.query;
    const below = Object.values(fields)
      .flatMap(subqueries)
      .flatMap((query) => this.child(query).writes());
    const command = number(fields["commandType"]);
    const target = nodes(fields["rtable"])[number(fields["resultRelation"]) - 1];
    if (target === undefined || !Object.values(commands).includes(command)) return below;
    const relation = number(target.fields["relid"]);
    const lists =
      command === commands.merge
        ? valuesOf(fields["mergeActionList"], "targetList")
        : [fields["targetList"], ...valuesOf(fields["onConflict"], "onConflictSet")];
    const written = lists
      .flatMap(nodes)
      .filter((each) => each.fields["resjunk"] !== "true")
      .map((each): WriteLineage => ({
        column: `${relation}.${number(each.fields["resno"])}`,
        from: this.expression(each.fields["expr"]),
        through: this.through(),
      }));
    const deletes =
      command === commands.delete ||
      valuesOf(fields["mergeActionList"], "commandType").some((each) => number(each) === commands.delete);
    return [
      ...below,
      ...written,
      ...(deletes
        ? [{ column: `${relation}.0` as const, from: new Set<ColumnNumber>(), through: this.through() }]
        : []),
    ];
  }

  /** Every base column that an expression mentions, subqueries included. */
  private expression(value: NodeValue): Set<ColumnNumber> {
    const found = new Set<ColumnNumber>();
    const visit = (each: NodeValue): void => {
      if (Array.isArray(each)) {
        for (const one of each as readonly NodeValue[]) visit(one);
      } else if (isNode(each)) {
        if (each.node === "VAR") {
          const level = this.up(number(each.fields["varlevelsup"]));
          addAll(found, level.variable(number(each.fields["varno"]), number(each.fields["varattno"])));
        } else if (each.node === "PARAM" && number(each.fields["paramkind"]) === multipleExpressions) {
          addAll(found, this.assigned(number(each.fields["paramid"])));
        } else if (each.node === "QUERY") {
          const child = this.child(each);
          for (const { index } of child.outputs()) addAll(found, child.output(index));
        } else {
          for (const field of Object.values(each.fields)) visit(field);
        }
      }
    };
    visit(value);
    return found;
  }

  /** A column of the subquery in `set (a, b) = (select ...)`. */
  private assigned(parameter: number): Set<ColumnNumber> {
    const [link, column] = [parameter >> 16, parameter & 0xffff];
    const found = nodes(this.query.fields["targetList"])
      .map(({ fields }) => fields["expr"])
      .find((each) => isNode(each) && number(each.fields["subLinkId"]) === link);
    const subquery = isNode(found) ? found.fields["subselect"] : undefined;
    return isNode(subquery) ? this.child(subquery).output(column) : new Set();
  }

  private variable(entryNumber: number, column: number): Set<ColumnNumber> {
    const { onConflict } = this.query.fields;
    if (isNode(onConflict) && number(onConflict.fields["exclRelIndex"]) === entryNumber) {
      // `excluded` is the row that was to be inserted.
      const own = nodes(this.query.fields["targetList"]);
      return this.expression(own.find(({ fields }) => number(fields["resno"]) === column)?.fields["expr"]);
    }
    const entry = nodes(this.query.fields["rtable"])[entryNumber - 1];
    if (entry === undefined) return new Set();
    const { fields } = entry;
    switch (number(fields["rtekind"])) {
      case kinds.relation:
        return new Set([`${number(fields["relid"])}.${column}` as const]);
      case kinds.subquery:
        return isNode(fields["subquery"]) ? this.child(fields["subquery"]).columns(column) : new Set();
      case kinds.join:
        return this.expression(itemOf(fields["joinaliasvars"], column));
      case kinds.group:
        return this.expression(itemOf(fields["groupexprs"], column));
      case kinds.function:
        return this.expression(functionOf(fields["functions"], column));
      case kinds.tableFunction:
        return this.expression(fields["tablefunc"]);
      case kinds.values: {
        const rows = Array.isArray(fields["values_lists"]) ? (fields["values_lists"] as NodeValue[]) : [];
        return this.expression(rows.map((row) => itemOf(row, column)));
      }
      case kinds.cte:
        return this.cte(entry)?.columns(column) ?? new Set();
      default:
        return new Set();
    }
  }

  /** The query that an entry names by `with`, at this level or above. */
  private cte({ fields }: TreeNode): Analysis | undefined {
    if (number(fields["rtekind"]) !== kinds.cte) return undefined;
    const level = this.up(number(fields["ctelevelsup"]));
    const subquery = nodes(level.query.fields["cteList"]).find(
      (each) => text(each.fields["ctename"]) === text(fields["ctename"]),
    )?.fields["ctequery"];
    return isNode(subquery) ? level.child(subquery) : undefined;
  }

  /** One output column, or all of them for the whole row. */
  private columns(column: number): Set<ColumnNumber> {
    if (column > 0) return this.output(column);
    const found = new Set<ColumnNumber>();
    for (const { index } of this.outputs()) addAll(found, this.output(index));
    return found;
  }

  /** Entries whose rows a set operation puts together. */
  private setLeaves(): number[] {
    return valuesOf(this.query.fields["setOperations"], "rtindex").map(number);
  }

  /** What is returned: the target list, or that of `returning` where the query changes data. */
  private targets(): TreeNode[] {
    const returning = nodes(this.query.fields["returningList"]);
    return returning.length > 0 ? returning : nodes(this.query.fields["targetList"]);
  }

  private up(levels: number): Analysis {
    return levels > 0 && this.parent ? this.parent.up(levels - 1) : this;
  }

  private child(query: TreeNode): Analysis {
    const known = this.below.get(query) ?? new Analysis(query, this);
    this.below.set(query, known);
    return known;
  }
}

/** The function of `rows from (...)` that gives a column; all of them for the whole row and for `ordinality`. */
function functionOf(functions: NodeValue, column: number): NodeValue {
  let last = 0;
  const found = nodes(functions).find(({ fields }) => column <= (last += number(fields["funccolcount"])));
  return column > 0 && found !== undefined ? found : functions;
}

function addAll<T>(target: Set<T>, more: ReadonlySet<T>): void {
  for (const each of more) target.add(each);
}
