package relation

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// movedSequence is something that moves a sequence: of a table or by itself; 0 is some
// sequence that the text does not tell.
type movedSequence struct{ oid catalog.OID }

// keepMovedSequences keeps which sequences a query moves: setval(), nextval(), or a function
// of the schema's own, which may do anything.
func keepMovedSequences(p *rule.Pass, s *rule.Stmt) {
	pgparse.Walk(s.Node, func(msg any) bool {
		f, ok := msg.(*pgparse.FuncCall)
		if !ok || len(f.Funcname) == 0 {
			return true
		}
		name := pgparse.LastText(f.Funcname)
		switch {
		case (name == "setval" || name == "nextval") && len(f.Args) > 0:
			p.KeepValue(movedSequence{resolveSequence(s, f.Args[0])})
		case len(s.Before.Functions("", name)) > 0:
			p.KeepValue(movedSequence{})
		}
		return true
	})
}

// resolveSequence returns the sequence, or the table of pg_get_serial_sequence(), that an
// argument names; 0 when it is not written out.
func resolveSequence(s *rule.Stmt, n *pgparse.Node) catalog.OID {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	if f := n.GetFuncCall(); f != nil && len(f.Args) > 0 {
		n = f.Args[0]
		for n.GetTypeCast() != nil {
			n = n.GetTypeCast().GetArg()
		}
	}
	schema, name := "", strings.ReplaceAll(n.GetAConst().GetSval().GetSval(), `"`, "")
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		schema, name = name[:dot], name[dot+1:]
	}
	if r := s.Before.Lookup(schema, name); r != nil {
		return r.OID
	}
	return 0
}
