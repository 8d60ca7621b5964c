package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// indexCreate builds an index beside the traffic.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var indexCreate = &Recipe{Name: "index-create", Make: func(c *Change) *Made {
	stmt := c.Node.GetIndexStmt()
	if stmt == nil {
		return nil
	}
	t := c.table()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.MaterializedView {
		return nil
	}
	index := stmt.Idxname
	sql := c.SQL
	if !stmt.Concurrent {
		at := pgparse.AfterWord(sql, "INDEX")
		sql = sql[:at] + " CONCURRENTLY" + sql[at:]
	}
	if index == "" {
		made := c.builtOn(t)
		if made == nil {
			return nil
		}
		index = made.Name.Name
		at := pgparse.AfterWord(sql, "CONCURRENTLY")
		sql = sql[:at] + " " + quote(index) + sql[at:]
	}
	own := index
	if c.Release.Deployed.Lookup(t.Name.Schema, index) != nil && c.Before.Lookup(t.Name.Schema, index) == nil {
		// The release has dropped one of this name, which stays until the deployed code is gone.
		own = c.Release.unique(index, "onward", "")
		at := pgparse.AfterWord(sql, "CONCURRENTLY")
		from := at
		if stmt.IfNotExists {
			from = pgparse.AfterWord(sql, "EXISTS")
		}
		sql = sql[:at] + " " + quote(own) + sql[pgparse.NextLexeme(sql, from).End:]
	}
	m := &Made{}
	s := m.add(c.indexPhase(t, stmt), onward.StepConcurrent, "is built while others read and write", sql)
	s.Undo = []string{"DROP INDEX CONCURRENTLY IF EXISTS " + inSchema(t, own)}
	if own != index {
		m.add(onward.Contract, onward.StepDDL, "takes the name of the one that was there", "ALTER INDEX "+inSchema(t, own)+" RENAME TO "+quote(index))
	}
	return m
}}

// indexPhase is when an index is built: a unique one is a condition, and each is built behind the
// backfill of what it is of.
func (c *Change) indexPhase(t *catalog.Relation, stmt *pgparse.IndexStmt) onward.PlanPhase {
	var columns []string
	for _, p := range stmt.IndexParams {
		columns = append(columns, p.GetIndexElem().GetName())
	}
	switch {
	case stmt.Unique:
		return c.checkPhase(columns...)
	case c.Release.fillsAny(t, columns):
		return onward.Backfill
	}
	return onward.Expand
}

// builtOn is the index that a change builds on a table; nil where it is not known.
func (c *Change) builtOn(t *catalog.Relation) *catalog.Relation {
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

// fillsAny reports whether a backfill fills one of the columns of a table.
func (r *Release) fillsAny(t *catalog.Relation, columns []string) bool {
	for _, col := range columns {
		if r.filled[key(t, col)] {
			return true
		}
	}
	return false
}

// inSchema is the name of an index of a table, for SQL.
func inSchema(t *catalog.Relation, index string) string {
	return name(&catalog.Relation{Name: catalog.Name{Schema: t.Name.Schema, Name: index}})
}

// indexed builds an index of a table beside the traffic.
func (m *Made) indexed(t *catalog.Relation, index, body string, unique bool, phase onward.PlanPhase) {
	word := "INDEX"
	if unique {
		word = "UNIQUE INDEX"
	}
	s := m.add(phase, onward.StepConcurrent, "is built while others read and write", "CREATE "+word+" CONCURRENTLY "+quote(index)+" ON "+name(t)+" "+body)
	s.Undo = []string{"DROP INDEX CONCURRENTLY IF EXISTS " + inSchema(t, index)}
}

// onKey is a column or an expression of an index, or of what a table is partitioned by, with its collation
// and operator class.
func onKey(t *catalog.Relation, k *catalog.IndexKey) string {
	text := "(" + k.ExprText + ")"
	if col := t.Attr(k.Column); col != nil {
		text = quote(col.Name)
	}
	if k.Collation != "" {
		text += " COLLATE " + quote(k.Collation)
	}
	if k.Opclass != "" {
		text += " " + k.Opclass
	}
	return text
}

// storageText is WITH and TABLESPACE of an index.
func storageText(r *catalog.Relation) (out string) {
	if with := options(r); with != "" {
		out = " WITH (" + with + ")"
	}
	if r.Tablespace != "" {
		out += " TABLESPACE " + quote(r.Tablespace)
	}
	return out
}

// indexBody is what an index is of, from USING on. Its storage is that of another relation, r.
func indexBody(t *catalog.Relation, x *catalog.IndexInfo, r *catalog.Relation) string {
	var keys []string
	for i := range x.Keys {
		k := &x.Keys[i]
		text := onKey(t, k)
		if k.Desc {
			text += " DESC"
		}
		keys = append(keys, text)
	}
	out := "USING " + x.Method + " (" + strings.Join(keys, ", ") + ")"
	if names := t.ColumnNames(x.Include); len(names) > 0 {
		for i := range names {
			names[i] = quote(names[i])
		}
		out += " INCLUDE (" + strings.Join(names, ", ") + ")"
	}
	if x.NullsNotDistinct {
		out += " NULLS NOT DISTINCT"
	}
	out += storageText(r)
	if x.PredicateText != "" {
		out += " WHERE " + x.PredicateText
	}
	return out
}

// indexDrop drops an index beside the traffic, when the deployed code that may need it is gone.
// https://www.postgresql.org/docs/current/sql-dropindex.html
var indexDrop = &Recipe{Name: "index-drop", Make: func(c *Change) *Made {
	stmt := c.Node.GetDropStmt()
	if stmt == nil || stmt.RemoveType != pgparse.ObjectType_OBJECT_INDEX || len(stmt.Objects) != 1 || stmt.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		return nil
	}
	sql := c.SQL
	if !stmt.Concurrent {
		at := pgparse.AfterWord(sql, "INDEX")
		sql = sql[:at] + " CONCURRENTLY" + sql[at:]
	}
	m := &Made{}
	m.add(onward.Contract, onward.StepConcurrent, "the deployed code may be quick by it: it goes when that is gone", sql)
	return m
}}
