package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// How is the way in which a statement uses an object of the schema.
type How uint8

// The ways. Uses of a relation come once for each place that names it. Uses of a column
// have Column set.
const (
	Reads     How = iota + 1 // a relation in FROM
	Inserts                  // a relation; Columns is the list, none: by position
	Updates                  // a relation; also by DO UPDATE and MERGE
	Deletes                  // a relation
	Empties                  // a relation: TRUNCATE
	Locks                    // a relation: LOCK TABLE
	Refreshes                // a materialized view

	ReadsColumn   // a column in an expression
	InsertsColumn // a column that an INSERT or COPY names
	UpdatesColumn // a column that is set
	Stars         // all columns of a relation, as they are: *, t.*, a whole row
	Compares      // a column with Value, by Operator
	Gives         // a column Value: INSERT, UPDATE

	Arbitrates     // ON CONFLICT; Columns are its arbiter's, also as lower(a), none: any conflict; Partial: with a condition
	ArbitratesName // the constraint Name of a relation, in ON CONFLICT ON CONSTRAINT

	Calls   // the function Schema.Name
	Runs    // the procedure Schema.Name
	Casts   // the type Schema.Name
	Sorts   // the collation Schema.Name: COLLATE
	Parses  // the text search configuration Schema.Name: to_tsvector('name', …)
	Numbers // the relation Schema.Name in a string: nextval, currval, setval, to_regclass
	Sets    // the setting Name: SET, set_config; "" and not Sure if the name is computed
	Shows   // the setting Name: SHOW, current_setting
	Defers  // the constraint Name: SET CONSTRAINTS

	Strays // Name.Column, if nothing in the query is called Name
)

// Use is one thing that a statement needs of the schema.
type Use struct {
	How How
	// Schema and Name are the name of a relation or function as written. Schema is "" if
	// the name is not qualified.
	Schema, Name string
	// Table is the relation; nil if the Lookup does not know it or the use is not of a
	// relation.
	Table  Table
	Column string
	// Sure is false if a column may belong to something else as well.
	Sure bool
	// Of is the entry that names the relation; nil if the use is not of a relation. May
	// lists all entries that a column may belong to if there are several, one list per
	// level, from the inside out. A caller that knows the schema later takes the first
	// entry that has the column.
	Of  *Source
	May [][]*Source
	// Columns are the columns of a list, as written. Width is the number of values in an
	// INSERT, or of arguments of a call plus one; 0 if that is not known.
	Columns []string
	Width   int
	Partial bool
	// Operator and Value: "=" and a constant without its quotes.
	Operator, Value string
	// Clause is the clause that contains a column.
	Clause Clause
	// At is the byte offset in the statement, -1 if not known.
	At int
}

// ListUses lists what a statement needs of the schema, in no particular order. It looks into
// statements that run or store a query, and at TRUNCATE, LOCK, COPY, CALL, REFRESH, SET
// and SHOW.
func ListUses(n *pgparse.Node, lookup Lookup) []Use {
	u := &uses{lookup: lookup}
	u.addStatement(n)
	if l := BindStatement(n, lookup); l != nil {
		u.addLevels(l)
	}
	return u.list
}

type uses struct {
	lookup Lookup
	list   []Use
	// row is the name of a row of which the expression reads a single field.
	row *pgparse.ColumnRef
}

func (u *uses) addLevels(l *Level) {
	l.Walk(func(l *Level) bool {
		u.addLevel(l)
		return true
	})
}

// addRelation records a use of an entry's relation; false if the entry is not a relation.
func (u *uses) addRelation(kind How, s *Source) (*Use, bool) {
	if s == nil || s.Range == nil || s.CTE != nil {
		return nil, false
	}
	return u.addSource(kind, s), true
}

func (u *uses) addSource(kind How, s *Source) *Use {
	schema, name := pgparse.RangeName(s.Range)
	u.list = append(u.list, Use{How: kind, Schema: schema, Name: name, Table: s.Table, Of: s, Sure: true, At: int(s.Range.GetLocation())})
	return &u.list[len(u.list)-1]
}

// newSource returns the entry for the relation of a statement without FROM.
func (u *uses) newSource(rv *pgparse.RangeVar) *Source {
	return &Source{Range: rv, Table: u.lookup.Table(rv)}
}

// addColumnUse records a use of a column of an entry.
func (u *uses) addColumnUse(kind How, s *Source, column string, location int32) *Use {
	x := Use{How: kind, Table: s.Table, Column: column, Sure: true, Of: s, At: int(location)}
	if s.Range != nil {
		x.Schema, x.Name = pgparse.RangeName(s.Range)
	}
	u.list = append(u.list, x)
	return &u.list[len(u.list)-1]
}

func (u *uses) addLevel(l *Level) {
	for _, s := range l.Sources {
		if s != l.Target {
			u.addRelation(Reads, s)
		}
	}
	for i := range l.Names {
		u.addName(l, l.Names[i])
	}
	switch s := l.Node.(type) {
	case *pgparse.InsertStmt:
		u.addInsert(l, s)
	case *pgparse.UpdateStmt:
		u.addRelation(Updates, l.Target)
		u.addAssignments(l, Targets, s.GetTargetList())
		u.addComparedConstants(l, Where, s.GetWhereClause())
	case *pgparse.DeleteStmt:
		u.addRelation(Deletes, l.Target)
		u.addComparedConstants(l, Where, s.GetWhereClause())
	case *pgparse.MergeStmt:
		u.addComparedConstants(l, Where, s.GetJoinCondition())
		for _, n := range s.GetMergeWhenClauses() {
			u.addMergeWhen(l, n.GetMergeWhenClause())
		}
	case *pgparse.SelectStmt:
		for _, n := range s.GetFromClause() {
			u.addComparedConstants(l, On, n)
		}
		for _, n := range s.GetTargetList() {
			u.addComparedConstants(l, Targets, n)
		}
		u.addComparedConstants(l, Where, s.GetWhereClause())
		u.addComparedConstants(l, Having, s.GetHavingClause())
	}
}

func (u *uses) addMergeWhen(l *Level, w *pgparse.MergeWhenClause) {
	u.addComparedConstants(l, When, w.GetCondition())
	switch w.GetCommandType() {
	case pgparse.CmdType_CMD_INSERT:
		if x, ok := u.addRelation(Inserts, l.Target); ok {
			x.Columns, x.Width = targetNames(w.GetTargetList()), len(w.GetValues())
		}
		u.addInsertedColumns(l, w.GetTargetList(), w.GetValues())
	case pgparse.CmdType_CMD_UPDATE:
		u.addRelation(Updates, l.Target)
		u.addAssignments(l, When, w.GetTargetList())
	case pgparse.CmdType_CMD_DELETE:
		u.addRelation(Deletes, l.Target)
	}
}

func (u *uses) addInsert(l *Level, s *pgparse.InsertStmt) {
	x, ok := u.addRelation(Inserts, l.Target)
	if !ok {
		return
	}
	x.Columns = targetNames(s.GetCols())
	if l.Query != nil && !l.Query.Open {
		x.Width = len(l.Query.Outputs)
	}
	for _, n := range s.GetCols() {
		t := n.GetResTarget()
		u.addColumnUse(InsertsColumn, l.Target, pgparse.ClipName(t.GetName()), t.GetLocation())
	}
	sel := s.GetSelectStmt().GetSelectStmt()
	for _, row := range sel.GetValuesLists() {
		u.addConstants(l, s.GetCols(), pgparse.ListItems(row))
	}
	if len(sel.GetValuesLists()) == 0 {
		values := make([]*pgparse.Node, len(sel.GetTargetList()))
		for i, n := range sel.GetTargetList() {
			values[i] = n.GetResTarget().GetVal()
		}
		u.addConstants(l, s.GetCols(), values)
	}
	u.addConflict(l, s.GetOnConflictClause())
}

func (u *uses) addConflict(l *Level, c *pgparse.OnConflictClause) {
	if c == nil {
		return
	}
	infer := c.GetInfer()
	if name := infer.GetConname(); name != "" {
		x := u.addColumnUse(ArbitratesName, l.Target, "", infer.GetLocation())
		x.Columns = []string{pgparse.ClipName(name)}
	} else {
		location := c.GetLocation()
		if infer != nil {
			location = infer.GetLocation()
		}
		x := u.addColumnUse(Arbitrates, l.Target, "", location)
		x.Partial = infer.GetWhereClause() != nil
		for _, n := range infer.GetIndexElems() {
			x.Columns = append(x.Columns, arbiterColumn(n.GetIndexElem()))
		}
	}
	if c.GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		u.addRelation(Updates, l.Target)
	}
	u.addAssignments(l, Conflict, c.GetTargetList())
	u.addComparedConstants(l, Conflict, infer.GetWhereClause())
	u.addComparedConstants(l, Conflict, c.GetWhereClause())
}

// addInsertedColumns records the columns of a list and the constants assigned to them.
func (u *uses) addInsertedColumns(l *Level, columns, values []*pgparse.Node) {
	for _, n := range columns {
		t := n.GetResTarget()
		u.addColumnUse(InsertsColumn, l.Target, pgparse.ClipName(t.GetName()), t.GetLocation())
	}
	u.addConstants(l, columns, values)
}

// addConstants records the constants that an INSERT writes, by its column list, or by
// position if the columns of the table are known.
func (u *uses) addConstants(l *Level, columns, values []*pgparse.Node) {
	names := targetNames(columns)
	if t := l.Target.Table; len(columns) == 0 && t != nil && !t.HasUnknownColumns() {
		names = t.AllColumns()
	}
	for i, v := range values {
		if pgparse.IsExpanding(v) {
			return
		}
		if text, location, ok := constantText(v); ok && i < len(names) {
			u.addColumnUse(Gives, l.Target, names[i], location).Value = text
		}
	}
}

// addAssignments records the columns that SET changes.
func (u *uses) addAssignments(l *Level, c Clause, list []*pgparse.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		name := pgparse.ClipName(t.GetName())
		u.addColumnUse(UpdatesColumn, l.Target, name, t.GetLocation())
		if text, location, ok := constantText(t.GetVal()); ok {
			u.addColumnUse(Gives, l.Target, name, location).Value = text
		}
		u.addComparedConstants(l, c, t.GetVal())
	}
}

func targetNames(list []*pgparse.Node) []string {
	var out []string
	for _, n := range list {
		out = append(out, pgparse.ClipName(n.GetResTarget().GetName()))
	}
	return out
}
