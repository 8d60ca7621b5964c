package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// How says in which way a statement uses something of the schema.
type How uint8

// The ways. Those of a relation come once for each place that names it; those of
// a column have Column.
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

	Arbitrates     // Columns that an ON CONFLICT of a relation names, also as lower(a), none: whatever conflicts; Partial: with a condition
	ArbitratesName // the constraint Name of a relation, in ON CONFLICT ON CONSTRAINT

	Calls   // the function Schema.Name
	Runs    // the procedure Schema.Name
	Casts   // the type Schema.Name
	Numbers // the relation Schema.Name that a text names: nextval, currval, setval, to_regclass
	Sets    // the setting Name: SET, set_config; "" and not Sure where it is put together
	Shows   // the setting Name: SHOW, current_setting
	Defers  // the constraint Name: SET CONSTRAINTS

	Strays // Name.Column, where the query has nothing that goes by Name
)

// Use is one thing that a statement needs of the schema.
type Use struct {
	How How
	// Schema, Name: of a relation or function as it is written; Schema is ""
	// where none is.
	Schema, Name string
	// Table is the relation; nil where the Lookup does not know it, and for what
	// is none.
	Table  Table
	Column string
	// Sure is false where a column may belong to something else as well.
	Sure bool
	// Of is the entry that names the relation; nil for what is no relation's. May are
	// all entries that a column may be of where there are several, one list for each
	// level, from the inside out: who knows the schema later takes the first that has it.
	Of  *Source
	May [][]*Source
	// Columns are those of a list, as written. Width is how many values an
	// INSERT gives, 0 where that is not known.
	Columns []string
	Width   int
	Partial bool
	// Operator and Value: "=" and a constant without its quotes.
	Operator, Value string
	// Clause is where a column stands.
	Clause Clause
	// At is where it stands: bytes from the beginning of the statement; -1 where
	// that is not told.
	At int
}

// Uses lists what a statement needs of the schema, in no order that means
// anything. It looks into statements that run or keep a query, and at TRUNCATE,
// LOCK, COPY, CALL, REFRESH, SET and SHOW.
func Uses(n *pgparse.Node, lookup Lookup) []Use {
	u := &uses{lookup: lookup}
	u.plain(n)
	if l := Bind(n, lookup); l != nil {
		u.levels(l)
	}
	return u.list
}

type uses struct {
	lookup Lookup
	list   []Use
	// row is the name of a row of which one field is taken.
	row *pgparse.ColumnRef
}

func (u *uses) levels(l *Level) {
	l.Walk(func(l *Level) bool {
		u.level(l)
		return true
	})
}

// relation notes a use of the relation of an entry; false where it is none.
func (u *uses) relation(how How, s *Source) (*Use, bool) {
	if s == nil || s.Range == nil || s.CTE != nil {
		return nil, false
	}
	return u.named(how, s), true
}

func (u *uses) named(how How, s *Source) *Use {
	schema, name := pgparse.RangeName(s.Range)
	u.list = append(u.list, Use{How: how, Schema: schema, Name: name, Table: s.Table, Of: s, Sure: true, At: int(s.Range.GetLocation())})
	return &u.list[len(u.list)-1]
}

// plainly is the entry of a statement that has no FROM.
func (u *uses) plainly(rv *pgparse.RangeVar) *Source {
	return &Source{Range: rv, Table: u.lookup.Table(rv)}
}

// column notes a use of a column of an entry.
func (u *uses) column(how How, s *Source, column string, at int32) *Use {
	x := Use{How: how, Table: s.Table, Column: column, Sure: true, Of: s, At: int(at)}
	if s.Range != nil {
		x.Schema, x.Name = pgparse.RangeName(s.Range)
	}
	u.list = append(u.list, x)
	return &u.list[len(u.list)-1]
}

func (u *uses) level(l *Level) {
	for _, s := range l.Sources {
		if s != l.Target {
			u.relation(Reads, s)
		}
	}
	for i := range l.Names {
		u.name(l, l.Names[i])
	}
	switch s := l.Node.(type) {
	case *pgparse.InsertStmt:
		u.insert(l, s)
	case *pgparse.UpdateStmt:
		u.relation(Updates, l.Target)
		u.assigned(l, Targets, s.GetTargetList())
		u.compared(l, Where, s.GetWhereClause())
	case *pgparse.DeleteStmt:
		u.relation(Deletes, l.Target)
		u.compared(l, Where, s.GetWhereClause())
	case *pgparse.MergeStmt:
		u.compared(l, Where, s.GetJoinCondition())
		for _, n := range s.GetMergeWhenClauses() {
			u.when(l, n.GetMergeWhenClause())
		}
	case *pgparse.SelectStmt:
		for _, n := range s.GetFromClause() {
			u.compared(l, On, n)
		}
		for _, n := range s.GetTargetList() {
			u.compared(l, Targets, n)
		}
		u.compared(l, Where, s.GetWhereClause())
		u.compared(l, Having, s.GetHavingClause())
	}
}

func (u *uses) when(l *Level, w *pgparse.MergeWhenClause) {
	u.compared(l, When, w.GetCondition())
	switch w.GetCommandType() {
	case pgparse.CmdType_CMD_INSERT:
		if x, ok := u.relation(Inserts, l.Target); ok {
			x.Columns, x.Width = targetNames(w.GetTargetList()), len(w.GetValues())
		}
		u.given(l, w.GetTargetList(), w.GetValues())
	case pgparse.CmdType_CMD_UPDATE:
		u.relation(Updates, l.Target)
		u.assigned(l, When, w.GetTargetList())
	case pgparse.CmdType_CMD_DELETE:
		u.relation(Deletes, l.Target)
	}
}

func (u *uses) insert(l *Level, s *pgparse.InsertStmt) {
	x, ok := u.relation(Inserts, l.Target)
	if !ok {
		return
	}
	x.Columns = targetNames(s.GetCols())
	if l.Query != nil && !l.Query.Open {
		x.Width = len(l.Query.Outputs)
	}
	for _, n := range s.GetCols() {
		t := n.GetResTarget()
		u.column(InsertsColumn, l.Target, pgparse.Clip(t.GetName()), t.GetLocation())
	}
	sel := s.GetSelectStmt().GetSelectStmt()
	for _, row := range sel.GetValuesLists() {
		u.constants(l, s.GetCols(), pgparse.Items(row))
	}
	if len(sel.GetValuesLists()) == 0 {
		values := make([]*pgparse.Node, len(sel.GetTargetList()))
		for i, n := range sel.GetTargetList() {
			values[i] = n.GetResTarget().GetVal()
		}
		u.constants(l, s.GetCols(), values)
	}
	u.conflict(l, s.GetOnConflictClause())
}

func (u *uses) conflict(l *Level, c *pgparse.OnConflictClause) {
	if c == nil {
		return
	}
	infer := c.GetInfer()
	if name := infer.GetConname(); name != "" {
		x := u.column(ArbitratesName, l.Target, "", infer.GetLocation())
		x.Columns = []string{pgparse.Clip(name)}
	} else {
		at := c.GetLocation()
		if infer != nil {
			at = infer.GetLocation()
		}
		x := u.column(Arbitrates, l.Target, "", at)
		x.Partial = infer.GetWhereClause() != nil
		for _, n := range infer.GetIndexElems() {
			x.Columns = append(x.Columns, arbiter(n.GetIndexElem()))
		}
	}
	if c.GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		u.relation(Updates, l.Target)
	}
	u.assigned(l, Conflict, c.GetTargetList())
	u.compared(l, Conflict, infer.GetWhereClause())
	u.compared(l, Conflict, c.GetWhereClause())
}

// given notes the columns of a list, with the constants that they get.
func (u *uses) given(l *Level, columns, values []*pgparse.Node) {
	for _, n := range columns {
		t := n.GetResTarget()
		u.column(InsertsColumn, l.Target, pgparse.Clip(t.GetName()), t.GetLocation())
	}
	u.constants(l, columns, values)
}

// constants notes the constants that an INSERT gives, by the list of columns, or
// by position where the columns of the table are known.
func (u *uses) constants(l *Level, columns, values []*pgparse.Node) {
	names := targetNames(columns)
	if t := l.Target.Table; len(columns) == 0 && t != nil && !t.Open() {
		names = t.AllColumns()
	}
	for i, v := range values {
		if pgparse.Expands(v) {
			return
		}
		if text, at, ok := constant(v); ok && i < len(names) {
			u.column(Gives, l.Target, names[i], at).Value = text
		}
	}
}

// assigned notes what SET sets.
func (u *uses) assigned(l *Level, c Clause, list []*pgparse.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		name := pgparse.Clip(t.GetName())
		u.column(UpdatesColumn, l.Target, name, t.GetLocation())
		if text, at, ok := constant(t.GetVal()); ok {
			u.column(Gives, l.Target, name, at).Value = text
		}
		u.compared(l, c, t.GetVal())
	}
}

func targetNames(list []*pgparse.Node) []string {
	var out []string
	for _, n := range list {
		out = append(out, pgparse.Clip(n.GetResTarget().GetName()))
	}
	return out
}
