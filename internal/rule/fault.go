package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Fault says which rule did not judge what, as it has a fault of its own.
type Fault struct {
	Rule string
	// Migration is nil when the rule is about the whole release; Statement when
	// it is about more than one.
	Migration *Migration
	Statement *script.Statement
	Err       error
}

// Faults gives the faults since it was asked last.
func (e *Engine) Faults() []Fault {
	list := e.faults
	e.faults = nil
	return list
}

// contain notes the panic of a rule: what the others found stands.
func (e *Engine) contain(m *Migration, st *script.Statement) {
	if r := recover(); r != nil {
		e.faults = append(e.faults, Fault{e.pass.Rule.ID, m, st, fault.Of(r)})
	}
}

// contain notes a panic over the statement: no rule sees it, and nothing is
// sure of the schema behind it.
func (s *Stmt) contain() {
	if r := recover(); r != nil {
		s.Fault = fault.Of(r)
		s.After, s.Deltas, s.Problems = s.Before.Obscure("a statement that could not be judged"), nil, nil
		s.Result, s.Results, s.Node = effect.Result{}, nil, nil
	}
}

// Deploy applies a statement that the base already has. One that the fold panics
// over leaves the catalog as it is, and nothing sure of it.
func Deploy(c *catalog.Catalog, node *pgparse.Node, sql string) (after *catalog.Catalog) {
	defer func() {
		if recover() != nil {
			after = c.Obscure("a statement that could not be folded")
		}
	}()
	after, _ = c.Apply(node, sql)
	return after
}
