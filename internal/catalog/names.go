package catalog

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// maxName is the number of bytes of an identifier that the server keeps.
const maxName = pgparse.MaxName

func itoa(n int) string { return strconv.Itoa(n) }

// clipName truncates an identifier as the server does: to 63 bytes, at a
// character.
func clipName(s string) string { return pgparse.ClipName(s) }

// objectName builds a name as the server's makeObjectName: name1_name2_label, as in
// t_a_key. It shortens the longer of both names until the whole fits.
func objectName(name1, name2, label string) string {
	overhead := 0
	if label != "" {
		overhead = len(label) + 1
	}
	if name2 != "" {
		overhead++
	}
	avail := max(maxName-overhead, 0)
	n1, n2 := len(name1), len(name2)
	for n1+n2 > avail {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	out := pgparse.ClipTo(name1, n1)
	if name2 != "" {
		out += "_" + pgparse.ClipTo(name2, n2)
	}
	if label != "" {
		out += "_" + label
	}
	return out
}

// chooseRelationName is ChooseRelationName: the first free name of an index,
// sequence or index-backed constraint.
func (f *fold) chooseRelationName(schema, name1, name2, label string, constraint bool) string {
	return f.chooseFreeName(nameParts{schema, name1, name2, label, constraint}, func(name string) bool {
		_, exists := f.names.get(Name{schema, name})
		return exists || constraint && f.isConstraintNameTaken(schema, name)
	})
}

// chooseConstraintName implements ChooseConstraintName: it returns the first name that no
// constraint of the schema has. constraints are those whose names are about to be used.
func (f *fold) chooseConstraintName(schema, name1, name2, label string, constraints []*Constraint) string {
	return f.chooseFreeName(nameParts{schema, name1, name2, label, true}, func(name string) bool {
		return f.constraintNameSet(constraints)[name] || f.isConstraintNameTaken(schema, name)
	})
}

// nameParts are the parts of a name that the server composes.
type nameParts struct {
	schema, name1, name2, label string
	constraint                  bool
}

// chooseFreeName gives the first name that is free, as the server counts: label, label1, ….
// What a statement found taken stays so while it goes on: it drops first.
func (f *fold) chooseFreeName(parts nameParts, isTaken func(name string) bool) string {
	for pass := f.tried[parts]; ; pass++ {
		l := parts.label
		if pass > 0 {
			l += itoa(pass)
		}
		if name := objectName(parts.name1, parts.name2, l); !isTaken(name) {
			if pass > few {
				if f.tried == nil {
					f.tried = map[nameParts]int{}
				}
				f.tried[parts] = pass
			}
			return name
		}
	}
}

// namedConstraints are the names of the constraints of one table, while a statement adds
// to them.
type namedConstraints struct {
	of    []*Constraint
	names map[string]bool
}

// constraintNameSet is the set of the names of a table's constraints. A statement that adds many asks again
// and again: what it added since is put to what was there.
func (f *fold) constraintNameSet(list []*Constraint) map[string]bool {
	k := &f.constraints
	if n := len(k.of); n == 0 || n > len(list) || k.of[0] != list[0] || k.of[n-1] != list[n-1] {
		k.of, k.names = nil, map[string]bool{}
	}
	for _, c := range list[len(k.of):] {
		k.names[c.Name] = true
	}
	k.of = list
	return k.names
}

func hasConstraint(list []*Constraint, name string) bool {
	for _, c := range list {
		if c.Name == name {
			return true
		}
	}
	return false
}

// isConstraintNameTaken reports whether a constraint of the schema has the name.
// Names that the server makes begin with their table's, and so do nearly all
// that people choose: the tables whose name begins the constraint's are asked, or
// may once have begun it, not all there are.
func (f *fold) isConstraintNameTaken(schema, name string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] != '_' {
			continue
		}
		oid, ok := f.names.get(Name{schema, name[:i]})
		if !ok {
			continue
		}
		if r := f.Relation(oid); r != nil && f.constraintNameSet(r.Constraints)[name] {
			return true
		}
	}
	for oid := range f.renamed.all() {
		if r := f.Relation(oid); r != nil && r.Name.Schema == schema && f.constraintNameSet(r.Constraints)[name] {
			return true
		}
	}
	return false
}

// joinNames is ChooseIndexNameAddition and its twin for foreign keys.
func joinNames(names []string) string {
	var b strings.Builder
	for _, n := range names {
		if b.Len() > 0 {
			b.WriteByte('_')
		}
		b.WriteString(clipName(n))
		if b.Len() > maxName {
			break
		}
	}
	return b.String()
}

// IndexColumns returns the part of a generated name that represents the columns of an
// index: keys and expressions, followed by included columns.
func IndexColumns(elems ...[]*pgparse.Node) string { return joinNames(indexColumnNames(elems...)) }

// ColumnsInName is IndexColumns of an index that is there.
func (i *IndexInfo) ColumnsInName() string { return joinNames(i.Names) }

// indexColumnNames is ChooseIndexColumnNames: what the key columns of an
// index are called, made unique.
func indexColumnNames(elems ...[]*pgparse.Node) []string {
	var out []string
	takenNames := map[string]bool{}
	for _, list := range elems {
		for _, n := range list {
			e := n.GetIndexElem()
			name := e.GetIndexcolname()
			if name == "" {
				name = e.GetName()
			}
			if name == "" {
				if name = query.FigureName(e.GetExpr()); name == "" {
					name = "expr"
				}
			}
			name = uniqueName(takenNames, name)
			out, takenNames[name] = append(out, name), true
		}
	}
	return out
}

func uniqueName(takenNames map[string]bool, name string) string {
	try := name
	for i := 1; takenNames[try]; i++ {
		n := itoa(i)
		try = pgparse.ClipTo(name, maxName-len(n)) + n
	}
	return try
}
