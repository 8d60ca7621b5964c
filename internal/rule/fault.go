package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Fault is a panic that kept a rule from judging something.
type Fault struct {
	Rule string
	// Migration is nil if the rule is about the whole release. Statement is nil if the
	// rule is about several statements.
	Migration *Migration
	Statement *script.Statement
	Err       error
}

// TakeFaults returns the faults since the last call.
func (e *Engine) TakeFaults() []Fault {
	list := e.faults
	e.faults = nil
	return list
}

// recordPanic records the panic of a rule. The findings of other rules are kept.
func (e *Engine) recordPanic(m *Migration, st *script.Statement) {
	if r := recover(); r != nil {
		e.faults = append(e.faults, Fault{e.pass.Rule.ID, m, st, fault.FromPanic(r)})
	}
}

// recordPanic records a panic while a statement is analysed. No rule sees the statement, and
// the schema is uncertain from then on.
func (s *Stmt) recordPanic() {
	if r := recover(); r != nil {
		s.Fault = fault.FromPanic(r)
		s.After, s.Deltas, s.Problems = s.Before.MarkUnseen("a statement that could not be judged"), nil, nil
		s.Result, s.Results, s.Node = effect.Result{}, nil, nil
	}
}

// ApplyDeployed applies a statement that the base already has. If applying it panics, the
// catalog stays unchanged but is marked as uncertain.
func ApplyDeployed(c *catalog.Catalog, node *pgparse.Node, sql string) (after *catalog.Catalog) {
	defer func() {
		if recover() != nil {
			after = c.MarkUnseen("a statement that could not be folded")
		}
	}()
	after, _ = c.Apply(node, sql)
	return after
}
