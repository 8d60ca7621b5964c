package recipe

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// indexCreate builds an index concurrently.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var indexCreate = &Recipe{Name: "index-create", Make: func(c *Change) *Steps {
	stmt := c.Node.GetIndexStmt()
	if stmt == nil {
		return nil
	}
	t := c.changedTable()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.MaterializedView {
		return nil
	}
	index := stmt.Idxname
	sql := c.SQL
	if !stmt.Concurrent {
		wordEnd := pgparse.AfterWord(sql, "INDEX")
		sql = sql[:wordEnd] + " CONCURRENTLY" + sql[wordEnd:]
	}
	if index == "" {
		newIndex := c.findBuiltIndex(t)
		if newIndex == nil {
			return nil
		}
		index = newIndex.Name.Name
		wordEnd := pgparse.AfterWord(sql, "CONCURRENTLY")
		sql = sql[:wordEnd] + " " + quoteIdent(index) + sql[wordEnd:]
	}
	builtName := index
	if c.Release.Deployed.Lookup(t.Name.Schema, index) != nil && c.Before.Lookup(t.Name.Schema, index) == nil {
		// The release drops an index of this name, which stays until the deployed code is gone.
		builtName = c.Release.uniqueName(index, "onward", "")
		wordEnd := pgparse.AfterWord(sql, "CONCURRENTLY")
		from := wordEnd
		if stmt.IfNotExists {
			from = pgparse.AfterWord(sql, "EXISTS")
		}
		sql = sql[:wordEnd] + " " + quoteIdent(builtName) + sql[pgparse.NextLexeme(sql, from).End:]
	}
	m := &Steps{}
	s := m.addStep(c.indexPhase(t, stmt), onward.StepConcurrent, "build index "+builtName+" while others read and write", sql)
	s.Undo = []string{DropIndex(nameInSchema(t, builtName), true)}
	if builtName != index {
		m.addStep(onward.Contract, onward.StepDDL, "rename index "+builtName+" to "+index+", which is free now",
			"ALTER INDEX "+qualifyInSchema(t, builtName)+" RENAME TO "+quoteIdent(index))
	}
	return m
}}

// indexPhase returns the phase in which an index is built. A unique index is a condition on its columns.
// Any index is built after the backfill of its columns.
func (c *Change) indexPhase(t *catalog.Relation, stmt *pgparse.IndexStmt) onward.PlanPhase {
	var columns []string
	for _, p := range stmt.IndexParams {
		columns = append(columns, cmp.Or(p.GetIndexElem().GetName(), "an expression"))
	}
	switch {
	case stmt.Unique:
		return c.checkPhase(columns...)
	case c.Release.fillsAnyColumn(t, columns):
		return onward.Backfill
	}
	return onward.Expand
}

// findBuiltIndex returns the index that a change builds on a table; nil if it is not known.
func (c *Change) findBuiltIndex(t *catalog.Relation) *catalog.Relation {
	after := c.After.Relation(t.OID)
	if after == nil {
		return nil
	}
	for _, oid := range after.Indexes {
		if c.Before.Relation(oid) == nil {
			return c.After.Relation(oid)
		}
	}
	return nil
}

// fillsAnyColumn reports whether a backfill fills one of a table's columns.
func (r *Release) fillsAnyColumn(t *catalog.Relation, columns []string) bool {
	for _, col := range columns {
		if r.filled[columnKey(t, col)] {
			return true
		}
	}
	return false
}

// qualifyInSchema returns the qualified name of an index of a table, for SQL.
func qualifyInSchema(t *catalog.Relation, index string) string {
	return analysis.QuoteTable(nameInSchema(t, index))
}

// nameInSchema returns the name of an object in the schema of a table.
func nameInSchema(t *catalog.Relation, name string) catalog.Name {
	return catalog.Name{Schema: t.Name.Schema, Name: name}
}

// addIndex builds an index of a table concurrently.
func (m *Steps) addIndex(t *catalog.Relation, index, body string, unique bool, phase onward.PlanPhase) {
	word := "INDEX"
	if unique {
		word = "UNIQUE INDEX"
	}
	s := m.addStep(phase, onward.StepConcurrent, "build index "+index+" while others read and write",
		"CREATE "+word+" CONCURRENTLY "+quoteIdent(index)+" ON "+tableName(t)+" "+body)
	s.Undo = []string{DropIndex(nameInSchema(t, index), true)}
}

// indexKeyText returns a column or an expression of an index or a partition key, with its collation and operator
// class.
func indexKeyText(t *catalog.Relation, k *catalog.IndexKey) string {
	text := "(" + k.ExprText + ")"
	if col := t.Attr(k.Column); col != nil {
		text = quoteIdent(col.Name)
	}
	if k.Collation != "" {
		text += " COLLATE " + quoteIdent(k.Collation)
	}
	if k.Opclass != "" {
		text += " " + k.Opclass
	}
	return text
}

// indexStorageText returns WITH and TABLESPACE of an index.
func indexStorageText(r *catalog.Relation) (out string) {
	if options := storageOptions(r); options != "" {
		out = " WITH (" + options + ")"
	}
	if r.Tablespace != "" {
		out += " TABLESPACE " + quoteIdent(r.Tablespace)
	}
	return out
}

// indexBody returns the definition of an index from USING on, with the storage options of the relation r.
func indexBody(t *catalog.Relation, x *catalog.IndexInfo, r *catalog.Relation) string {
	var keys []string
	for i := range x.Keys {
		k := &x.Keys[i]
		text := indexKeyText(t, k)
		if k.Desc {
			text += " DESC"
		}
		switch {
		case k.NullsFirst && !k.Desc:
			text += " NULLS FIRST"
		case k.Desc && !k.NullsFirst:
			text += " NULLS LAST"
		}
		keys = append(keys, text)
	}
	out := "USING " + x.Method + " (" + strings.Join(keys, ", ") + ")"
	if names := t.ColumnNames(x.Include); len(names) > 0 {
		for i := range names {
			names[i] = quoteIdent(names[i])
		}
		out += " INCLUDE (" + strings.Join(names, ", ") + ")"
	}
	if x.NullsNotDistinct {
		out += " NULLS NOT DISTINCT"
	}
	out += indexStorageText(r)
	if x.PredicateText != "" {
		out += " WHERE " + x.PredicateText
	}
	return out
}

// indexDrop drops an index concurrently, when the deployed code that may need it is gone.
// https://www.postgresql.org/docs/current/sql-dropindex.html
var indexDrop = &Recipe{Name: "index-drop", Make: func(c *Change) *Steps {
	stmt := c.Node.GetDropStmt()
	if stmt == nil || stmt.RemoveType != pgparse.ObjectType_OBJECT_INDEX || stmt.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		return nil
	}
	m := &Steps{}
	for _, o := range stmt.Objects {
		c.addIndexDrop(m, pgparse.ListItems(o), stmt.MissingOk)
	}
	return m
}}

// addIndexDrop drops one index. An index of a table that the release creates is dropped where the release drops it.
func (c *Change) addIndexDrop(m *Steps, name []*pgparse.Node, missingOK bool) {
	schema, object := pgparse.SchemaAndName(name)
	index := c.Before.Lookup(schema, object)
	var t *catalog.Relation
	if index != nil && index.Index != nil {
		t = c.Before.Relation(index.Index.Table)
	}
	drop, guard := "DROP INDEX ", ""
	if missingOK {
		guard = "IF EXISTS "
	}
	switch {
	case t != nil && c.Before.CreatedSince(c.Release.Deployed, t.OID):
		// Its undo is the table's.
		m.addStep(onward.Expand, onward.StepDDL, "drop index "+object+" of "+t.Name.Name+", which no code uses yet", drop+guard+qualifiedName(name))
		return
	case t != nil:
		m.noteNarrowKey(c, t, object, index)
	}
	if t != nil && t.Kind == catalog.PartitionedTable { // CONCURRENTLY is refused
		m.addStep(onward.Contract, onward.StepDDL, "drop index "+object+" after the deploy: deployed queries may rely on it", drop+guard+qualifiedName(name))
		return
	}
	m.addStep(onward.Contract, onward.StepConcurrent, "drop index "+object+" after the deploy: deployed queries may rely on it",
		drop+"CONCURRENTLY "+guard+qualifiedName(name))
}
