package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// The files fix_sql*.go build the SQL that rules print as fixes. The rules describe the hazard.

// BuildIndex returns the statement that builds an index of the catalog while others write.
func BuildIndex(table, index *catalog.Relation) string {
	unique := ""
	if index.Index.Unique {
		unique = "UNIQUE "
	}
	return "CREATE " + unique + "INDEX CONCURRENTLY " + quoteIdent(index.Name.Name) + " ON " + tableName(table) + " " + indexBody(table, index.Index, index)
}

// Partitioned is an index of a partitioned table, as written. Definition is its text from the table's name on.
type Partitioned struct {
	Table      *catalog.Relation
	Name       string
	Unique     bool
	Definition string
}

// BuildIndexOnPartitions returns the statements that build an index on each partition while others write. A foreign partition has none,
// so nothing that is attached would make the index of the table valid. There the table's index comes last, and takes over those that are built.
func BuildIndexOnPartitions(x Partitioned, partitions []*catalog.Relation) string {
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	var b strings.Builder
	whole := "CREATE " + unique + "INDEX " + quoteIdent(x.Name) + " ON " + tableName(x.Table) + x.Definition + ";"
	var attach []string
	if HasForeign(partitions) {
		attach = []string{"\n" + whole}
	} else {
		b.WriteString(strings.Replace(whole, " ON ", " ON ONLY ", 1))
	}
	for _, p := range partitions {
		if p.Kind == catalog.ForeignTable {
			continue
		}
		child := catalog.ObjectName(p.Name.Name, x.Name, "")
		b.WriteString("\nCREATE " + unique + "INDEX CONCURRENTLY " + quoteIdent(child) + " ON " + analysis.QuoteTable(p.Name) + x.Definition + ";")
		if !HasForeign(partitions) {
			attach = append(attach, "\nALTER INDEX "+qualifyInSchema(x.Table, x.Name)+" ATTACH PARTITION "+qualifyInSchema(p, child)+";")
		}
	}
	return strings.TrimPrefix(b.String()+strings.Join(attach, ""), "\n")
}

// HasForeign reports whether one of a table's partitions is a foreign table.
func HasForeign(partitions []*catalog.Relation) bool {
	return slices.ContainsFunc(partitions, func(p *catalog.Relation) bool { return p.Kind == catalog.ForeignTable })
}

// IndexStorage returns WITH and TABLESPACE of the index that a statement builds, nil for none.
func IndexStorage(index *catalog.Relation) string {
	if index == nil {
		return ""
	}
	return indexStorageText(index)
}

// ForeignKey is the text of a foreign key that the catalog holds, from FOREIGN KEY on.
func ForeignKey(table, referenced *catalog.Relation, key *catalog.Constraint) string {
	return foreignKey(table, referenced, key)
}

// FillByTrigger are the statements that fill a column of each row that is written, by an expression of the row's
// columns; "" if the expression is not understood. They come before a backfill of the column. clauses are of CREATE FUNCTION.
func FillByTrigger(t *catalog.Relation, column, expression, clauses string) string {
	value, ok := pgparse.ReplaceColumns(expression, func(c string) string { return "NEW." + quoteIdent(c) })
	if !ok || value == expression {
		return ""
	}
	trigger := catalog.ObjectName(t.Name.Name, column, "fill")
	function := qualifyInSchema(t, trigger)
	return "CREATE FUNCTION " + function + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT" + clauses +
		" AS $$\nBEGIN\n  NEW." + quoteIdent(column) + " := " + value + ";\n  RETURN NEW;\nEND $$;\n" +
		"CREATE TRIGGER " + quoteIdent(trigger) + " BEFORE INSERT OR UPDATE ON " + tableName(t) + " FOR EACH ROW EXECUTE FUNCTION " + function + "();"
}

// ColumnIndex is an index on columns of a table.
type ColumnIndex struct {
	Table   catalog.Name
	Name    string // "": the server chooses one
	Columns []string
	Unique  bool
	// Blocking: it is built while nobody can write, as on an empty or a partitioned table. Other indexes are built
	// concurrently.
	Blocking bool
	// Hypertable: TimescaleDB refuses CONCURRENTLY, and builds the index one chunk at a time.
	Hypertable bool
}

// CreateStatement returns the statement that builds the index.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
func (x ColumnIndex) CreateStatement() string {
	out := "CREATE "
	if x.Unique {
		out += "UNIQUE "
	}
	out += "INDEX "
	if !x.Blocking && !x.Hypertable {
		out += "CONCURRENTLY "
	}
	columns := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		columns[i] = quoteKnown(c)
	}
	if x.Name != "" {
		out += quoteKnown(x.Name) + " "
	}
	out += "ON " + analysis.QuoteTable(x.Table) + " (" + strings.Join(columns, ", ") + ")"
	if x.Hypertable && !x.Blocking {
		out += " WITH (" + analysis.PerChunk + ")"
	}
	return out
}

// AddUsingIndex returns the statement that adds a constraint with an existing unique index, in an instant. kind is
// UNIQUE or PRIMARY KEY.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
func AddUsingIndex(table catalog.Name, constraint, kind, index string) string {
	return alterTable(table) + UsingIndexClause(constraint, kind, index)
}

// UsingIndexClause returns the clause of [AddUsingIndex], for an ALTER TABLE with other clauses.
func UsingIndexClause(constraint, kind, index string) string {
	return "ADD CONSTRAINT " + quoteKnown(constraint) + " " + kind + " USING INDEX " + quoteKnown(index)
}

// DropIndex returns the statement that drops an index while others use its table. ifExists: the index may be missing.
// https://www.postgresql.org/docs/current/sql-dropindex.html
func DropIndex(index catalog.Name, ifExists bool) string {
	guard := ""
	if ifExists {
		guard = "IF EXISTS "
	}
	return "DROP INDEX CONCURRENTLY " + guard + analysis.QuoteTable(index)
}

// AttachPartition returns the statement that makes a table a partition. bound is its FOR VALUES clause.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
func AttachPartition(table, partition catalog.Name, bound string) string {
	return alterTable(table) + "ATTACH PARTITION " + analysis.QuoteTable(partition) + " " + bound
}

// AddEnumValue returns the statement that adds a value to an enum, in an instant.
// https://www.postgresql.org/docs/current/sql-altertype.html
func AddEnumValue(enum catalog.Name, value string) string {
	return "ALTER TYPE " + analysis.QuoteTable(enum) + " ADD VALUE " + pgparse.QuoteLiteral(value)
}

// DetachPartition returns the statement that detaches a partition. With [Concurrently], others use both tables
// meanwhile.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
func DetachPartition(table, partition catalog.Name) string {
	return alterTable(table) + "DETACH PARTITION " + analysis.QuoteTable(partition)
}

// Concurrently makes a statement that detaches a partition block nobody. It needs Postgres 14, and a table without a
// default partition.
func Concurrently(detach string) string { return detach + " CONCURRENTLY" }
