package query

import "github.com/onward-sql/onward/internal/pgparse"

// Meaning is what a reference to a column may mean.
type Meaning struct {
	Source *Source
	// Column is its name in the source; "" for the whole row.
	Column string
	// Known: the source is known to have it.
	Known bool
	// Level is the one that has the source.
	Level *Level
}

// Resolve gives what a name of a level may mean, judging by aliases: from the
// inside out, up to the first level that is known to have it. A source that is
// known not to have the column is among them too; Lacks tells. Nothing comes for
// a name of the output, which ORDER BY takes first.
func (l *Level) Resolve(n Name) []Meaning {
	ref, ok := n.Node.(*pgparse.ColumnRef)
	if !ok || pgparse.EndsInStar(ref) {
		return nil
	}
	fields := ref.GetFields()
	name, alias, schema := pgparse.Clip(pgparse.Last(fields)), "", ""
	if len(fields) > 1 {
		alias = pgparse.Clip(pgparse.Text(fields[len(fields)-2]))
	}
	if len(fields) > 2 {
		schema = pgparse.Clip(pgparse.Text(fields[len(fields)-3]))
	}
	if name == "" || l.ordersByOutput(n, ref) {
		return nil
	}
	var out []Meaning
	sees, clause := n.Sees, n.Clause
	for at := l; at != nil; at = at.Outer {
		known := false
		look := func(s *Source) {
			if s.hidden > 0 && s.hidden < sees || alias != "" && s.Alias != alias || schema != "" && !s.inSchema(schema) {
				return
			}
			m := Meaning{Source: s, Column: name, Known: s.has(name), Level: at}
			if !m.Known && alias == "" && s.Alias == name {
				m.Column, m.Known = "", true
			}
			known = known || m.Known
			out = append(out, m)
		}
		for _, s := range at.Sources[:min(sees, len(at.Sources))] {
			look(s)
		}
		if alias != "" && !known { // names that only a qualified name means
			if clause == Conflict && at.Excluded != nil {
				look(at.Excluded)
			}
			if clause == Returning {
				for _, s := range at.Rows {
					look(s)
				}
			}
		}
		if known {
			break
		}
		sees, clause = at.sees, at.Clause
	}
	return out
}

// Means is what a name means; false where it may mean something else as well, or
// nothing that is known: then it is the likeliest, if there is any.
func (l *Level) Means(n Name) (m Meaning, sure bool) { return likeliest(l.Resolve(n)) }

func likeliest(list []Meaning) (m Meaning, sure bool) {
	var may, known []Meaning
	for _, x := range list {
		if x.Known {
			known = append(known, x)
		} else if x.Source.Lacks(x.Column) {
			continue
		}
		may = append(may, x)
	}
	switch {
	case len(may) == 0:
		return Meaning{}, false
	case len(known) == 0:
		return may[0], len(may) == 1
	}
	// Where a neighbour of a source that has it had it too, the server would
	// refuse the query.
	return known[0], len(known) == 1 && known[0].Level == may[0].Level
}

// ordersByOutput reports whether a name in ORDER BY or DISTINCT ON stands alone
// and is one of the output.
func (l *Level) ordersByOutput(n Name, ref *pgparse.ColumnRef) bool {
	if n.Clause != Sort && n.Clause != Distinct || len(ref.GetFields()) != 1 {
		return false
	}
	s, ok := l.Node.(*pgparse.SelectStmt)
	if !ok || output(l.Outputs, pgparse.Clip(pgparse.Last(ref.GetFields()))) == nil {
		return false
	}
	for _, by := range s.GetSortClause() {
		if by.GetSortBy().GetNode().GetColumnRef() == ref {
			return true
		}
	}
	for _, by := range s.GetDistinctClause() {
		if by.GetColumnRef() == ref {
			return true
		}
	}
	return false
}

// has reports whether an entry is known to have a column.
func (s *Source) has(name string) bool {
	if s.Table != nil && !s.Renamed {
		return s.Table.HasColumn(name) || SystemColumn(name) && name != "oid" // which tables may declare
	}
	return output(s.Columns, name) != nil
}

// Lacks reports whether an entry is known not to have a column.
func (s *Source) Lacks(name string) bool {
	return !s.has(name) && !s.Open && (s.Table == nil || s.Renamed || !s.Table.Open())
}

// inSchema reports whether schema.table may mean the entry.
func (s *Source) inSchema(schema string) bool {
	if s.Range == nil || s.Range.GetAlias() != nil {
		return false
	}
	own, _ := pgparse.RangeName(s.Range)
	return own == "" || own == schema
}

// Origin is the table and the column of it that an output is, as it stands, through
// sub-queries and WITH; nil where it is computed.
func (o *Output) Origin() (*Source, string) {
	for range maxDepth {
		s, column := o.Source, o.Column
		if s == nil {
			ref := o.Expr.GetColumnRef()
			if ref == nil || o.Level == nil {
				return nil, ""
			}
			m, sure := o.Level.Means(o.Level.Ref(ref, o.Level.gives()))
			if !sure || m.Column == "" {
				return nil, ""
			}
			s, column = m.Source, m.Column
		}
		if s.Table != nil && !s.Renamed || s.Range != nil && s.CTE == nil && !s.Renamed {
			return s, column
		}
		if o = output(s.Columns, column); o == nil {
			return nil, ""
		}
	}
	return nil, ""
}

// gives is the clause that the outputs stand in.
func (l *Level) gives() Clause {
	if _, ok := l.Node.(*pgparse.SelectStmt); ok {
		return Targets
	}
	return Returning
}

// Ref is a reference to a column as a name that sees all sources of the level.
func (l *Level) Ref(ref *pgparse.ColumnRef, c Clause) Name {
	return Name{Node: ref, Clause: c, Sees: len(l.Sources)}
}

// Output is the column of a name among those of an entry that is no table, or
// whose columns go by other names; nil where there is none.
func (s *Source) Output(name string) *Output { return output(s.Columns, name) }
