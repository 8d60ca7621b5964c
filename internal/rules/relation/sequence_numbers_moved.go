package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
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
			seq, known := analysis.NamedSequence(s.Before, f.Args[0])
			switch {
			case !known:
				p.KeepValue(movedSequence{})
			case seq != nil:
				p.KeepValue(movedSequence{seq.OID})
			}
		case len(s.Before.Functions("", name)) > 0:
			p.KeepValue(movedSequence{})
		}
		return true
	})
}
