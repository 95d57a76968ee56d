import { isNode, nodes, number, readNodeTree, type NodeValue, type TreeNode } from "./node-tree.js";

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
    for (const quals of valuesOf(fields["jointree"], "quals")) addAll(found, this.expression(quals));
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
    return found;
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

  private variable(entryNumber: number, column: number): Set<ColumnNumber> {
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
        return this.expression(fields["functions"]);
      case kinds.tableFunction:
        return this.expression(fields["tablefunc"]);
      case kinds.values: {
        const rows = Array.isArray(fields["values_lists"]) ? (fields["values_lists"] as NodeValue[]) : [];
        return this.expression(rows.map((row) => itemOf(row, column)));
      }
      case kinds.cte: {
        const level = this.up(number(fields["ctelevelsup"]));
        const cte = nodes(level.query.fields["cteList"]).find(
          (each) => text(each.fields["ctename"]) === text(fields["ctename"]),
        );
        const subquery = cte?.fields["ctequery"];
        return isNode(subquery) ? level.child(subquery).columns(column) : new Set();
      }
      default:
        return new Set();
    }
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

/** All values of a field at any depth, not looking into subqueries. */
function valuesOf(value: NodeValue, field: string): NodeValue[] {
  if (Array.isArray(value)) return (value as readonly NodeValue[]).flatMap((each) => valuesOf(each, field));
  if (!isNode(value) || value.node === "QUERY") return [];
  return Object.entries(value.fields).flatMap(([name, each]) => [
    ...(name === field && each !== undefined ? [each] : []),
    ...valuesOf(each, field),
  ]);
}

/** The queries one level below, wherever they stand. */
function subqueries(value: NodeValue): TreeNode[] {
  if (Array.isArray(value)) return (value as readonly NodeValue[]).flatMap(subqueries);
  if (!isNode(value)) return [];
  return value.node === "QUERY" ? [value] : Object.values(value.fields).flatMap(subqueries);
}

function itemOf(value: NodeValue, index: number): NodeValue {
  if (!Array.isArray(value)) return undefined;
  return index > 0 ? (value as readonly NodeValue[])[index - 1] : value;
}

function addAll<T>(target: Set<T>, more: ReadonlySet<T>): void {
  for (const each of more) target.add(each);
}

function text(value: NodeValue): string {
  return typeof value === "string" ? value : "";
}
