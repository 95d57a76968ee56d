/**
 * Dataform's CompiledGraph in its JSON form (`core.proto` of @dataform/core 3.0.62), as far as Aquifer reads it.
 * Fields that hold their default are absent, as in protobuf's JSON.
 */
export interface CompiledGraph {
  readonly projectConfig?: ProjectConfig;
  readonly tables?: readonly CompiledTable[];
  readonly operations?: readonly CompiledOperation[];
  readonly assertions?: readonly CompiledAssertion[];
  readonly declarations?: readonly CompiledDeclaration[];
  readonly tests?: readonly CompiledTest[];
  readonly notebooks?: readonly CompiledAction[];
  readonly dataPreparations?: readonly CompiledAction[];
  readonly graphErrors?: { readonly compilationErrors?: readonly CompilationError[] };
  readonly dataformCoreVersion?: string;
  readonly targets?: readonly Target[];
  readonly jitData?: Readonly<Record<string, unknown>>;
}

export interface ProjectConfig {
  readonly warehouse?: string;
  readonly defaultDatabase?: string;
  readonly defaultSchema?: string;
  readonly assertionSchema?: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly databaseSuffix?: string;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly disableAssertions?: boolean;
  readonly builtinAssertionNamePrefix?: string;
}

export interface Target {
  readonly database?: string;
  readonly schema?: string;
  readonly name?: string;
  readonly includeDependentAssertions?: boolean;
}

export interface ColumnDescriptor {
  readonly path?: readonly string[];
  readonly description?: string;
  readonly displayName?: string;
  readonly tags?: readonly string[];
}

export interface ActionDescriptor {
  readonly description?: string;
  readonly columns?: readonly ColumnDescriptor[];
  /** `extraProperties` is plain JSON here, whatever protobuf form the project used. */
  readonly metadata?: {
    readonly overview?: string;
    readonly extraProperties?: Readonly<Record<string, unknown>>;
  };
  readonly compilationMode?: string;
}

export interface CompiledAction {
  readonly target: Target;
  readonly canonicalTarget?: Target;
  readonly dependencyTargets?: readonly Target[];
  readonly tags?: readonly string[];
  readonly fileName?: string;
  readonly disabled?: boolean;
  readonly hermeticity?: "HERMETIC" | "NON_HERMETIC";
  readonly actionDescriptor?: ActionDescriptor;
  readonly jitCode?: string;
}

export interface CompiledTable extends CompiledAction {
  readonly enumType: "TABLE" | "INCREMENTAL" | "VIEW";
  readonly type?: string;
  readonly query?: string;
  readonly incrementalQuery?: string;
  readonly protected?: boolean;
  readonly materialized?: boolean;
  readonly uniqueKey?: readonly string[];
  readonly onSchemaChange?: "IGNORE" | "FAIL" | "EXTEND" | "SYNCHRONIZE";
  readonly incrementalStrategy?: "INCREMENTAL_STRATEGY_UNSPECIFIED" | "MERGE" | "INSERT_OVERWRITE";
  readonly preOps?: readonly string[];
  readonly postOps?: readonly string[];
  readonly incrementalPreOps?: readonly string[];
  readonly incrementalPostOps?: readonly string[];
  readonly where?: string;
  readonly bigquery?: Readonly<Record<string, unknown>>;
}

export interface CompiledOperation extends CompiledAction {
  readonly queries?: readonly string[];
  readonly hasOutput?: boolean;
}

export interface CompiledAssertion extends CompiledAction {
  readonly query?: string;
  /** The table that declared this assertion inline. */
  readonly parentAction?: Target;
}

export type CompiledDeclaration = CompiledAction;

export interface CompiledTest {
  readonly name?: string;
  readonly testQuery?: string;
  readonly expectedOutputQuery?: string;
  readonly fileName?: string;
  readonly tags?: readonly string[];
  readonly disabled?: boolean;
}

export interface CompilationError {
  readonly fileName?: string;
  readonly actionName?: string;
  readonly actionTarget?: Target;
  readonly message?: string;
  readonly stack?: string;
}
