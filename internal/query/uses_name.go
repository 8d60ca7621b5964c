package query

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// name notes a column, star, function or type of an expression.
func (u *uses) name(l *Level, n Name) {
	switch m := n.Node.(type) {
	case *pgparse.ColumnRef:
		u.ref(l, n, m)
	case *Using:
		for _, s := range l.Sources[:min(n.Sees, len(l.Sources))] {
			if base, column := s.Base(m.Column); base != nil && !base.Lacks(column) {
				x := u.column(ReadsColumn, base, column, -1)
				x.Clause, x.Sure = n.Clause, base.has(column)
			}
		}
	case *pgparse.A_Indirection:
		u.field(l, n, m)
	case *pgparse.FuncCall:
		u.call(m)
	case *pgparse.TypeName:
		if schema, name := pgparse.SchemaAndName(m.GetNames()); schema != "pg_catalog" {
			u.list = append(u.list, Use{How: Casts, Schema: schema, Name: name, Sure: true, At: int(m.GetLocation())})
		}
	}
}

func (u *uses) ref(l *Level, n Name, ref *pgparse.ColumnRef) {
	if pgparse.EndsInStar(ref) {
		if n.Clause == Targets || n.Clause == Returning || len(ref.GetFields()) > 1 {
			for _, s := range l.Starred(ref) {
				u.star(s, n.Clause, ref.GetLocation())
			}
		}
		return // count(*) is no star
	}
	may := l.Resolve(n)
	m, sure := likeliest(may)
	fields := ref.GetFields()
	switch {
	case ref == u.row:
	case len(may) == 0 && len(fields) > 1:
		u.list = append(u.list, Use{How: Strays, Name: pgparse.Clip(pgparse.Text(fields[len(fields)-2])), Column: pgparse.Clip(pgparse.Last(fields)), At: int(ref.GetLocation())})
	case m.Source == nil:
	case m.Column == "":
		u.star(m.Source, n.Clause, ref.GetLocation())
		if m.Source.unknown() { // or a column of that name
			u.list[len(u.list)-1].Sure = false
			for i := range may {
				may[i].Column = pgparse.Clip(pgparse.Last(fields))
			}
			u.meant(ReadsColumn, may, may[0], false, n.Clause, ref.GetLocation())
		}
	default:
		u.meant(ReadsColumn, may, m, sure, n.Clause, ref.GetLocation())
	}
}

// unknown reports whether an entry is a relation of which nothing is known.
func (s *Source) unknown() bool { return s.isTable() && s.Table == nil }

// meant notes a column of the relations that it may be of; likely is the best of them.
// It gives nil where it is of none.
func (u *uses) meant(how How, may []Meaning, likely Meaning, sure bool, c Clause, at int32) *Use {
	if sure {
		may = []Meaning{likely}
	}
	var best *Meaning
	var levels [][]*Source
	var level *Level
	count := 0
	for _, m := range may {
		if m.Source.Lacks(m.Column) || m.Column == "" {
			continue
		}
		for _, o := range m.Source.origins(m.Column) {
			if SystemColumn(o.Column) && o.Source.Table != nil && !o.Source.Table.HasColumn(o.Column) {
				continue
			}
			if best == nil || m == likely {
				best = &o
			}
			if count++; levels == nil || m.Level != level {
				level, levels = m.Level, append(levels, nil)
			}
			levels[len(levels)-1] = append(levels[len(levels)-1], o.Source)
		}
	}
	if best == nil {
		return nil
	}
	x := u.column(how, best.Source, best.Column, at)
	if x.Clause, x.Sure = c, sure && count == 1; count > 1 {
		x.May = levels
	}
	return x
}

// field notes (t).column, which reads no more of the row.
func (u *uses) field(l *Level, n Name, x *pgparse.A_Indirection) {
	row, list := x.GetArg().GetColumnRef(), x.GetIndirection()
	if len(row.GetFields()) != 1 || len(list) == 0 || list[0].GetString_() == nil {
		return
	}
	n.Node = &pgparse.ColumnRef{Fields: []*pgparse.Node{row.GetFields()[0], list[0]}, Location: row.GetLocation()}
	if m, _ := l.Means(n); m.Source != nil {
		u.ref(l, n, n.Node.(*pgparse.ColumnRef))
		u.row = row
	}
}

// star notes that all columns of an entry are taken as they are. What a sub-query
// gives is told by the sub-query itself.
func (u *uses) star(s *Source, c Clause, at int32) {
	if s.isTable() {
		u.column(Stars, s, "", at).Clause = c
		return
	}
	for i := range s.Columns { // of a join
		if base, column := s.Base(s.Columns[i].Name); base != nil {
			u.column(ReadsColumn, base, column, at).Clause = c
		}
	}
}

// isTable reports whether an entry is a relation, known or not.
func (s *Source) isTable() bool {
	return s.Table != nil || s.Range != nil && s.CTE == nil
}

// Base is the relation behind a column of an entry, and what it is called there;
// nil where it is no relation's.
func (s *Source) Base(column string) (*Source, string) {
	if s.isTable() && !s.Renamed {
		return s, column
	}
	if o := output(s.Columns, column); o != nil && o.Source != nil && s.Query == nil && s.CTE == nil {
		return o.Source.Base(o.Column)
	}
	return nil, ""
}

// call notes a function, and what its constants name: a sequence, a setting.
func (u *uses) call(f *pgparse.FuncCall) {
	schema, name := pgparse.SchemaAndName(f.GetFuncname())
	at := int(f.GetLocation())
	u.list = append(u.list, Use{How: Calls, Schema: schema, Name: name, Sure: true, At: at})
	if len(f.GetArgs()) == 0 || schema != "" && schema != "pg_catalog" {
		return
	}
	text, _, ok := constant(f.GetArgs()[0])
	switch {
	case name == "set_config":
		u.setting(Sets, text, at)
		u.list[len(u.list)-1].Sure = ok
	case !ok:
	case name == "nextval", name == "currval", name == "setval", name == "to_regclass":
		schema, name := SplitName(text)
		u.list = append(u.list, Use{How: Numbers, Schema: schema, Name: name, Sure: true, At: at})
	case name == "current_setting":
		u.setting(Shows, text, at)
	}
}

func (u *uses) setting(how How, name string, at int) {
	u.list = append(u.list, Use{How: how, Name: strings.ToLower(name), Sure: true, At: at})
}

// SplitName reads the text of a regclass: schema.name, folded to lower case but in
// quotes.
func SplitName(text string) (schema, name string) {
	var parts []string
	for text = strings.TrimSpace(text); text != ""; {
		part, rest, quoted := text, "", strings.HasPrefix(text, `"`)
		if end := strings.IndexByte(text[min(1, len(text)):], '"'); quoted && end >= 0 {
			part, rest = text[1:end+1], text[end+2:]
		} else if dot := strings.IndexByte(text, '.'); dot >= 0 {
			part, rest = text[:dot], text[dot:]
		}
		if !quoted {
			part = strings.ToLower(part)
		}
		parts, text = append(parts, part), strings.TrimPrefix(rest, ".")
	}
	switch n := len(parts); {
	case n == 0:
		return "", ""
	case n > 1:
		return parts[n-2], parts[n-1]
	}
	return "", parts[0]
}

// plain notes what statements use that are no queries.
func (u *uses) plain(n *pgparse.Node) {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.ExplainStmt:
		u.plain(s.GetQuery())
	case *pgparse.TruncateStmt:
		u.ranges(Empties, s.GetRelations())
	case *pgparse.LockStmt:
		u.ranges(Locks, s.GetRelations())
	case *pgparse.RefreshMatViewStmt:
		u.named(Refreshes, u.plainly(s.GetRelation()))
	case *pgparse.CopyStmt:
		u.copied(s)
	case *pgparse.CallStmt:
		f := s.GetFunccall()
		schema, name := pgparse.SchemaAndName(f.GetFuncname())
		u.list = append(u.list, Use{How: Runs, Schema: schema, Name: name, Sure: true, At: int(f.GetLocation())})
		for _, a := range f.GetArgs() {
			u.levels(BindExpr(a, u.lookup))
		}
	case *pgparse.VariableSetStmt:
		if s.GetName() != "" {
			u.setting(Sets, s.GetName(), -1)
		}
	case *pgparse.ConstraintsSetStmt:
		for _, c := range s.GetConstraints() {
			schema, name := pgparse.RangeName(c.GetRangeVar())
			u.list = append(u.list, Use{How: Defers, Schema: schema, Name: name, Sure: true, At: int(c.GetRangeVar().GetLocation())})
		}
	case *pgparse.VariableShowStmt:
		u.setting(Shows, s.GetName(), -1)
	}
}

func (u *uses) ranges(how How, list []*pgparse.Node) {
	for _, n := range list {
		if rv := n.GetRangeVar(); rv != nil {
			u.named(how, u.plainly(rv))
		}
	}
}

// copied notes COPY of a relation; that of a query is a query.
func (u *uses) copied(s *pgparse.CopyStmt) {
	rv := s.GetRelation()
	if rv == nil {
		return
	}
	source := u.plainly(rv)
	how, column := Reads, ReadsColumn
	if s.GetIsFrom() {
		how, column = Inserts, InsertsColumn
	}
	x := u.named(how, source)
	if x.Columns = pgparse.Texts(s.GetAttlist()); len(x.Columns) == 0 {
		x.Columns = nil
		if !s.GetIsFrom() {
			u.star(source, Targets, rv.GetLocation())
		}
	}
	for _, name := range pgparse.Texts(s.GetAttlist()) {
		u.column(column, source, pgparse.Clip(name), rv.GetLocation())
	}
}
