package workload

import (
	"maps"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Strings are the string literals that one parameter of Normalize(sql).SQL stands for.
type Strings struct {
	Values []string
	// Unread: one of them has a form that is not read: with escapes, in dollars.
	Unread bool
}

// ReadStrings gives the string literals of a statement, by parameter. Elements that lists and rows leave out count.
func ReadStrings(sql string) []Strings {
	_, s := normalizeStatement(sql)
	if s == nil {
		return nil
	}
	out := make([]Strings, len(s.params))
	for place := range s.toks {
		tok := &s.toks[place]
		index := s.rootToken(int(tok.pick))
		if tok.drop || !s.toks[index].isLiteral() || s.toks[index].fate != param {
			continue
		}
		i := slices.Index(s.literal, index)
		if i < 0 || s.from[i] > 0 {
			continue
		}
		for _, other := range append([]int{place, int(tok.pick)}, s.also[place]...) {
			out[i].addString(&s.text, other)
		}
	}
	return out
}

func (l *Strings) addString(t *text, index int) {
	if t.toks[index].kind != pgparse.LexemeString {
		return
	}
	value := t.readLiteral(index)
	switch {
	case value == nil:
		l.Unread = true
	case !slices.Contains(l.Values, *value):
		l.Values = append(l.Values, *value)
	}
}

// The types of Name.Type that are no type of Postgres.
const (
	TableName  = "table"
	ColumnName = "column" // of the table that the parameter before it names
)

// nameArguments are functions that take names as text, by argument.
var nameArguments = map[string][]string{
	"pg_get_serial_sequence": {TableName, ColumnName}, "to_regclass": {TableName}, "to_regtype": {"regtype"}, "to_regproc": {"regproc"},
	"to_regprocedure": {"regprocedure"}, "to_regrole": {"regrole"}, "to_regnamespace": {"regnamespace"},
}

// NameParams finds the parameters of a statement that name something although their type does not say so.
func NameParams(node *pgparse.Node) map[int]string {
	out := map[int]string{}
	pgparse.Walk(node, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.FuncCall:
			if len(n.Funcname) == 0 {
				return true
			}
			for i, kind := range nameArguments[n.Funcname[len(n.Funcname)-1].GetString_().GetSval()] {
				if i < len(n.Args) {
					noteParameter(out, n.Args[i], kind)
				}
			}
		case *pgparse.TypeCast:
			if names := pgparse.StringTexts(n.GetTypeName().GetNames()); len(names) > 0 && IsNameType(names[len(names)-1]) && n.GetArg().GetTypeCast() != nil {
				noteParameter(out, n.GetArg(), names[len(names)-1])
			}
		}
		return true
	})
	return out
}

// noteParameter keeps the parameter that a node is, below casts.
func noteParameter(out map[int]string, n *pgparse.Node, kind string) {
	n = pgparse.StripCasts(n)
	if p := n.GetParamRef(); p != nil {
		out[int(p.GetNumber())] = kind
	}
}

// nameTypes are the types whose values name objects (https://www.postgresql.org/docs/current/datatype-oid.html).
var nameTypes = []string{
	"regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regconfig", "regdictionary",
	"regrole", "regnamespace", "regcollation",
}

// IsNameType reports whether the values of a type name objects.
func IsNameType(name string) bool { return slices.Contains(nameTypes, name) }

// mostNames bounds the names of one parameter.
const mostNames = 200

// MergeNames puts the names of two recordings together.
func MergeNames(a, b []Name) []Name {
	all := map[int]Name{}
	for _, n := range slices.Concat(a, b) {
		have, known := all[n.Param]
		values := slices.Concat(have.Values, n.Values)
		slices.Sort(values)
		values = slices.Compact(values)
		n.Type, n.Partial = max(have.Type, n.Type), n.Partial || known && have.Partial || len(values) > mostNames
		n.Values = values[:min(len(values), mostNames)]
		all[n.Param] = n
	}
	var out []Name
	for _, param := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[param])
	}
	return out
}
