package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// table is an entry of FROM that names a relation or a WITH query.
func (r *reader) table(rv *pgparse.RangeVar, sc *scope) source {
	schema, name := rangeName(rv)
	src := source{alias: name}
	if a := rv.GetAlias().GetAliasname(); a != "" {
		src.alias = a
	}
	if schema == "" {
		for s := sc; s != nil; s = s.outer {
			if c, ok := s.ctes[name]; ok {
				src.columns, src.unknown = renamed(c.output, strs(rv.GetAlias().GetColnames())), c.unknown
				return src
			}
		}
	}
	if systemSchema(schema) || schema == "" && len(name) > 3 && name[:3] == "pg_" && r.f.Lookup("", name) == nil {
		src.unknown = true
		return src
	}
	rel := r.f.relationNamed(schema, name, Table, false)
	if rel == nil {
		src.unknown = true
		return src
	}
	src.oid = rel.OID
	if !slices.Contains(r.q.reads, rel.OID) {
		r.q.reads = append(r.q.reads, rel.OID)
	}
	if names := rv.GetAlias().GetColnames(); len(names) > 0 {
		// The columns go by other names.
		for _, c := range rel.Columns {
			src.columns = append(src.columns, outputColumn{c.Name, c.Type})
			r.column(rel, c)
		}
		src.columns = renamed(src.columns, strs(names))
		src.oid = 0
	}
	return src
}

func (r *reader) from(list []*pgparse.Node, sc *scope) {
	for _, n := range list {
		switch e := pgparse.Unwrap(n).(type) {
		case *pgparse.RangeVar:
			sc.sources = append(sc.sources, r.table(e, sc))
		case *pgparse.JoinExpr:
			if r.depth > maxDepth {
				return
			}
			r.depth++
			r.from([]*pgparse.Node{e.GetLarg(), e.GetRarg()}, sc)
			r.depth--
			r.expr(e.GetQuals(), sc)
			for _, u := range e.GetUsingClause() {
				r.everywhere(str(u), sc)
			}
			if e.GetIsNatural() {
				r.q.star = true
			}
			sc.merged = sc.merged || e.GetIsNatural() || len(e.GetUsingClause()) > 0
		case *pgparse.RangeSubselect:
			sub := r.statement(e.GetSubquery(), sc)
			sc.sources = append(sc.sources, source{
				alias: e.GetAlias().GetAliasname(), columns: renamed(sub.output, strs(e.GetAlias().GetColnames())), unknown: sub.unknown,
			})
		case *pgparse.RangeFunction:
			for _, fn := range e.GetFunctions() {
				for _, arg := range items(fn) {
					r.expr(arg, sc)
				}
			}
			src := source{alias: e.GetAlias().GetAliasname(), unknown: true}
			for _, d := range e.GetColdeflist() {
				src.columns = append(src.columns, outputColumn{d.GetColumnDef().GetColname(), r.f.TypeOf(d.GetColumnDef().GetTypeName())})
			}
			for _, name := range strs(e.GetAlias().GetColnames()) {
				src.columns = append(src.columns, outputColumn{name: name})
			}
			sc.sources = append(sc.sources, src)
		case *pgparse.RangeTableSample:
			r.from([]*pgparse.Node{e.GetRelation()}, sc)
		default:
			if n != nil {
				r.expr(n, sc)
				sc.sources = append(sc.sources, source{unknown: true})
			}
		}
	}
}

// star reads all columns of one source or of all.
func (r *reader) star(ref *pgparse.ColumnRef, sc *scope, out *queryReads) {
	r.q.star = true
	fields := ref.GetFields()
	alias := ""
	if len(fields) > 1 {
		alias = str(fields[len(fields)-2])
	}
	for _, s := range sc.sources {
		if alias != "" && s.alias != alias {
			continue
		}
		for _, c := range r.sourceColumns(s, true) {
			// What USING and NATURAL make one comes once, and first: the
			// order is not told here.
			if sc.merged && alias == "" {
				out.unknown = true
				if slices.ContainsFunc(out.output, func(o outputColumn) bool { return o.name == c.name }) {
					continue
				}
			}
			out.output = append(out.output, c)
		}
		if rel := r.f.Relation(s.oid); s.unknown || rel != nil && (rel.Inferred || rel.Partial) {
			out.unknown = true
		}
	}
}

// sourceColumns are the columns of an entry of FROM; mark notes them as read.
func (r *reader) sourceColumns(s source, mark bool) []outputColumn {
	rel := r.f.Relation(s.oid)
	if rel == nil {
		return s.columns
	}
	out := make([]outputColumn, 0, len(rel.Columns))
	for _, c := range rel.Columns {
		out = append(out, outputColumn{c.Name, c.Type})
		if mark {
			r.column(rel, c)
		}
	}
	return out
}

// columnRef finds the column that a name means and notes it.
func (r *reader) columnRef(ref *pgparse.ColumnRef, sc *scope) {
	if pgparse.EndsInStar(ref) {
		// A whole row as a value: no single column.
		r.q.star = true
		return
	}
	rel, c, _ := r.find(ref, sc)
	if rel != nil && c != nil {
		r.column(rel, c)
	}
}

// find gives the relation and column that a name means, or the column of a
// sub-query.
func (r *reader) find(ref *pgparse.ColumnRef, sc *scope) (*Relation, *Column, outputColumn) {
	names := strs(ref.GetFields())
	if len(names) == 0 {
		return nil, nil, outputColumn{}
	}
	name, alias := clip(names[len(names)-1]), ""
	if len(names) > 1 {
		alias = names[len(names)-2]
	}
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			if alias != "" && src.alias != alias {
				continue
			}
			rel := r.f.Relation(src.oid)
			if rel == nil {
				for _, c := range src.columns {
					if c.name == name {
						return nil, nil, c
					}
				}
				continue
			}
			if c := rel.Column(name); c != nil {
				return rel, c, outputColumn{}
			}
		}
	}
	// Of one unknown relation, or by its alias, the column must be there.
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			rel := r.f.Relation(src.oid)
			if rel == nil || !rel.Inferred && !rel.Partial || src.alias != alias && (alias != "" || len(s.sources) > 1) {
				continue
			}
			if c := r.f.inferColumn(rel.OID, name); c != nil {
				return r.f.Relation(rel.OID), c, outputColumn{}
			}
		}
	}
	return nil, nil, outputColumn{}
}

// everywhere notes a column of USING in each source that has it.
func (r *reader) everywhere(name string, sc *scope) {
	for _, s := range sc.sources {
		if rel := r.f.Relation(s.oid); rel != nil {
			if c := rel.Column(name); c != nil {
				r.column(rel, c)
			}
		}
	}
}
