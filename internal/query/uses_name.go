package query

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// addName records a column, star, function or type in an expression.
func (u *uses) addName(l *Level, n Name) {
	switch m := n.Node.(type) {
	case *pgparse.ColumnRef:
		u.addReference(l, n, m)
	case *Using:
		for _, s := range l.Sources[:min(n.Sees, len(l.Sources))] {
			if base, column := s.BaseColumn(m.Column); base != nil && !base.Lacks(column) {
				x := u.addColumnUse(ReadsColumn, base, column, -1)
				x.Clause, x.Sure = n.Clause, base.hasColumn(column)
			}
		}
	case *pgparse.A_Indirection:
		u.addField(l, n, m)
	case *pgparse.FuncCall:
		u.addCall(m)
	case *pgparse.CollateClause:
		schema, name := pgparse.SchemaAndName(m.GetCollname())
		u.list = append(u.list, Use{How: Sorts, Schema: schema, Name: name, Sure: true, At: int(m.GetLocation())})
	case *pgparse.TypeName:
		if schema, name := pgparse.SchemaAndName(m.GetNames()); schema != "pg_catalog" {
			u.list = append(u.list, Use{How: Casts, Schema: schema, Name: name, Sure: true, At: int(m.GetLocation())})
		}
	}
}

func (u *uses) addReference(l *Level, n Name, ref *pgparse.ColumnRef) {
	if pgparse.EndsInStar(ref) {
		if n.Clause == Targets || n.Clause == Returning || len(ref.GetFields()) > 1 {
			for _, s := range l.StarSources(ref) {
				u.addStar(s, n.Clause, ref.GetLocation())
			}
		}
		return // count(*) is no star
	}
	candidates := l.Resolve(n)
	m, sure := chooseLikeliest(candidates)
	fields := ref.GetFields()
	switch {
	case ref == u.row:
	case len(candidates) == 0 && len(fields) > 1:
		u.list = append(u.list, Use{
			How:    Strays,
			Name:   pgparse.ClipName(pgparse.StringText(fields[len(fields)-2])),
			Column: pgparse.ClipName(pgparse.LastText(fields)),
			At:     int(ref.GetLocation()),
		})
	case m.Source == nil:
	case m.Column == "":
		u.addStar(m.Source, n.Clause, ref.GetLocation())
		if m.Source.isUnknown() { // or a column of that name
			u.list[len(u.list)-1].Sure = false
			for i := range candidates {
				candidates[i].Column = pgparse.ClipName(pgparse.LastText(fields))
			}
			u.addMeanings(ReadsColumn, candidates, candidates[0], false, n.Clause, ref.GetLocation())
		}
	default:
		u.addMeanings(ReadsColumn, candidates, m, sure, n.Clause, ref.GetLocation())
	}
}

// isUnknown reports whether an entry is a relation that the Lookup does not know.
func (s *Source) isUnknown() bool { return s.isTable() && s.Table == nil }

// addMeanings records a column of the relations that it may belong to; likely is the best
// candidate. It returns nil if no relation has the column.
func (u *uses) addMeanings(kind How, candidates []Meaning, likely Meaning, sure bool, c Clause, location int32) *Use {
	if sure {
		candidates = []Meaning{likely}
	}
	var best *Meaning
	var levels [][]*Source
	var level *Level
	count := 0
	for _, m := range candidates {
		if m.Source.Lacks(m.Column) || m.Column == "" {
			continue
		}
		for _, o := range m.Source.listOrigins(m.Column) {
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
	x := u.addColumnUse(kind, best.Source, best.Column, location)
	if x.Clause, x.Sure = c, sure && count == 1; count > 1 {
		x.May = levels
	}
	return x
}

// addField records (t).column, which reads one field and not the whole row.
func (u *uses) addField(l *Level, n Name, x *pgparse.A_Indirection) {
	row, list := x.GetArg().GetColumnRef(), x.GetIndirection()
	if len(row.GetFields()) != 1 || len(list) == 0 || list[0].GetString_() == nil {
		return
	}
	n.Node = &pgparse.ColumnRef{Fields: []*pgparse.Node{row.GetFields()[0], list[0]}, Location: row.GetLocation()}
	if m, _ := l.LikeliestMeaning(n); m.Source != nil {
		u.addReference(l, n, n.Node.(*pgparse.ColumnRef))
		u.row = row
	}
}

// addStar records that all columns of an entry are read by a star. The columns of a
// sub-query are recorded at the sub-query itself.
func (u *uses) addStar(s *Source, c Clause, location int32) {
	if s.isTable() {
		u.addColumnUse(Stars, s, "", location).Clause = c
		return
	}
	for i := range s.Columns { // of a join
		if base, column := s.BaseColumn(s.Columns[i].Name); base != nil {
			u.addColumnUse(ReadsColumn, base, column, location).Clause = c
		}
	}
}

// isTable reports whether an entry is a relation, known or not.
func (s *Source) isTable() bool {
	return s.Table != nil || s.Range != nil && s.CTE == nil
}

// BaseColumn returns the relation that a column of an entry comes from, and the column's name
// there; nil if it does not come from a relation.
func (s *Source) BaseColumn(column string) (*Source, string) {
	if s.isTable() && !s.Renamed {
		return s, column
	}
	if o := findOutput(s.Columns, column); o != nil && o.Source != nil && s.Query == nil && s.CTE == nil {
		return o.Source.BaseColumn(o.Column)
	}
	return nil, ""
}

// addCall records a function, and the sequence or setting that its constant arguments name.
func (u *uses) addCall(f *pgparse.FuncCall) {
	schema, name := pgparse.SchemaAndName(f.GetFuncname())
	location := int(f.GetLocation())
	u.list = append(u.list, Use{How: Calls, Schema: schema, Name: name, Sure: true, At: location, Width: countArgs(f)})
	if len(f.GetArgs()) == 0 || schema != "" && schema != "pg_catalog" {
		return
	}
	text, _, ok := constantText(f.GetArgs()[0])
	switch {
	case name == "set_config":
		u.addSetting(Sets, text, location)
		u.list[len(u.list)-1].Sure = ok
	case !ok:
	case name == "nextval", name == "currval", name == "setval", name == "to_regclass":
		schema, name := SplitName(text)
		u.list = append(u.list, Use{How: Numbers, Schema: schema, Name: name, Sure: true, At: location})
	case name == "current_setting":
		u.addSetting(Shows, text, location)
	case textSearch[name] && len(f.GetArgs()) > 1:
		schema, name := SplitName(text)
		u.list = append(u.list, Use{How: Parses, Schema: schema, Name: name, Sure: true, At: location})
	}
}

// textSearch are the functions whose first argument may be a text search configuration, if they have a second one.
var textSearch = map[string]bool{"to_tsvector": true, "to_tsquery": true, "plainto_tsquery": true, "phraseto_tsquery": true, "websearch_to_tsquery": true}

// countArgs returns the number of a call's arguments, plus one; 0 if an argument has a name or is a list.
func countArgs(f *pgparse.FuncCall) int {
	if f.GetFuncVariadic() || f.GetAggStar() {
		return 0
	}
	for _, a := range f.GetArgs() {
		if a.GetNamedArgExpr() != nil {
			return 0
		}
	}
	n := len(f.GetArgs()) + 1
	if f.GetAggWithinGroup() {
		n += len(f.GetAggOrder())
	}
	return n
}

func (u *uses) addSetting(kind How, name string, location int) {
	u.list = append(u.list, Use{How: kind, Name: strings.ToLower(name), Sure: true, At: location})
}

// SplitName reads the text of a regclass: schema.name, folded to lower case unless
// quoted.
func SplitName(text string) (schema, name string) {
	inQuotes := false
	for start, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && (inQuotes || text[i] != '.') {
			inQuotes = inQuotes != (text[i] == '"')
			continue
		}
		part := strings.TrimSpace(text[start:i])
		if inner, ok := strings.CutPrefix(part, `"`); ok {
			part = strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
		} else {
			part = strings.ToLower(part)
		}
		schema, name, start = name, part, i+1
	}
	return schema, name
}

// addStatement records the uses of statements that are not queries.
func (u *uses) addStatement(n *pgparse.Node) {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.ExplainStmt:
		u.addStatement(s.GetQuery())
	case *pgparse.TruncateStmt:
		u.addRanges(Empties, s.GetRelations())
	case *pgparse.LockStmt:
		u.addRanges(Locks, s.GetRelations())
	case *pgparse.RefreshMatViewStmt:
		u.addSource(Refreshes, u.newSource(s.GetRelation()))
	case *pgparse.CopyStmt:
		u.addCopy(s)
	case *pgparse.CallStmt:
		f := s.GetFunccall()
		schema, name := pgparse.SchemaAndName(f.GetFuncname())
		u.list = append(u.list, Use{How: Runs, Schema: schema, Name: name, Sure: true, At: int(f.GetLocation()), Width: countArgs(f)})
		for _, a := range f.GetArgs() {
			u.addLevels(BindExpr(a, u.lookup))
		}
	case *pgparse.VariableSetStmt:
		if s.GetName() != "" {
			u.addSetting(Sets, s.GetName(), -1)
		}
	case *pgparse.ConstraintsSetStmt:
		for _, c := range s.GetConstraints() {
			schema, name := pgparse.RangeName(c.GetRangeVar())
			u.list = append(u.list, Use{How: Defers, Schema: schema, Name: name, Sure: true, At: int(c.GetRangeVar().GetLocation())})
		}
	case *pgparse.VariableShowStmt:
		u.addSetting(Shows, s.GetName(), -1)
	}
}

func (u *uses) addRanges(kind How, list []*pgparse.Node) {
	for _, n := range list {
		if rv := n.GetRangeVar(); rv != nil {
			u.addSource(kind, u.newSource(rv))
		}
	}
}

// addCopy records COPY of a relation. COPY of a query is handled as a query.
func (u *uses) addCopy(s *pgparse.CopyStmt) {
	rv := s.GetRelation()
	if rv == nil {
		return
	}
	source := u.newSource(rv)
	kind, column := Reads, ReadsColumn
	if s.GetIsFrom() {
		kind, column = Inserts, InsertsColumn
	}
	x := u.addSource(kind, source)
	if x.Columns = pgparse.StringTexts(s.GetAttlist()); len(x.Columns) == 0 {
		x.Columns = nil
		if !s.GetIsFrom() {
			u.addStar(source, Targets, rv.GetLocation())
		}
	}
	for _, name := range pgparse.StringTexts(s.GetAttlist()) {
		u.addColumnUse(column, source, pgparse.ClipName(name), rv.GetLocation())
	}
}
