package plan

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/elements"
	"github.com/onward-sql/onward/onward"
)

// restated is a release as the difference of its two schemas: the second candidate for a plan.
type restated struct {
	*source
	*elements.Restatement
}

// restateRelease returns the release as the difference of its schemas; nil if no transition applies to it, or it has parts whose effect on
// the schema is not known. reasons names elements without a transition: "column t.a: replaced: …".
func (s *source) restateRelease(release *audit.Release) (r *restated, reasons []string, err error) {
	found, cycle := s.compareSchemas()
	switch {
	case cycle != "":
		return nil, []string{cycle}, nil
	case found == nil:
		return nil, nil, nil
	case len(found.Nodes) == 0:
		return nil, found.Refused, nil
	}
	var list []audit.Restated
	for _, n := range found.Nodes {
		m := n.From.Stmt.Migration
		list = append(list, audit.Restated{ID: m.ID, Path: m.Path, Line: n.From.Stmt.Line, SQL: n.SQL})
	}
	report, folds, err := release.FoldRestated(list)
	if err != nil {
		return nil, nil, err
	}
	out := *s
	out.report, out.folds, out.chains = report, folds, nil
	return &restated{&out, found}, found.Refused, nil
}

// compareSchemas returns the release as the difference of its schemas; nil if it is not known as a whole. cycle says which rules of order
// contradict each other.
func (s *source) compareSchemas() (found *elements.Restatement, cycle string) {
	commands, head := s.listCommands()
	if len(commands) == 0 {
		return nil, ""
	}
	found, err := elements.Restate(s.deployed, head, commands)
	if err != nil {
		return nil, err.Error()
	}
	return found, ""
}

// hasTransitions reports whether several statements of the release are one change of the schema's difference.
func (s *source) hasTransitions() bool {
	found, _ := s.compareSchemas()
	return found != nil && len(found.Nodes) > 0
}

// listCommands returns the commands of a release in SQL files, and the schema after it; none if something of it is not SQL, is rendered by a
// framework, or cannot be read.
func (s *source) listCommands() (out []*elements.Command, head *catalog.Catalog) {
	for _, m := range s.folds {
		if m.Script == nil || len(m.Script.Source.Code) > 0 || m.RunsProgram {
			return nil, nil
		}
		for _, st := range m.Statements {
			if st.Parent >= 0 || st.In != "" { // of a function or a trigger
				if len(out) > 0 {
					out[len(out)-1].Calls = true
				}
				continue
			}
			if st.Node == nil || st.Node.GetCopyStmt() != nil || st.OfRows || st.Opaque != "" || st.Start < 0 {
				return nil, nil
			}
			head = st.After
			if st.Node.GetTransactionStmt() == nil && st.Node.GetLockStmt() == nil {
				out = append(out, elements.SplitStatement(st)...)
			}
		}
	}
	if slices.ContainsFunc(s.report.Opaque, func(o onward.Opaque) bool {
		return !o.Usage && slices.ContainsFunc(s.folds, func(m *audit.Folded) bool { return m.Path == o.Path })
	}) {
		return nil, nil
	}
	return out, head
}

// proveRestated proves the plan from the difference of the schemas, if the plan of the statements is not proven as a whole. It returns the
// better one: the plan of the statements, unless the other is proven and leaves less.
func (r *proofs) proveRestated(src *source, p *planner, release *audit.Release, ready func(*planner) error) (*planner, error) {
	if r.fails || p.isProvenWhole() {
		return p, nil
	}
	other, reasons, err := src.restateRelease(release)
	for _, w := range reasons {
		p.plan.Notes = appendUnique(p.plan.Notes, []string{"not planned from the difference of the schemas: " + w})
	}
	if err != nil || other == nil {
		return p, err
	}
	finish := func(q *planner) error {
		q.plan.Migrations = p.plan.Migrations
		return ready(q)
	}
	q, left := other.planChains(map[*chain][]string{})
	if len(q.plan.Steps) == 0 || len(left) > 0 && other.leavesElement(q) {
		return p, nil
	}
	if err := finish(q); err != nil {
		return p, err
	}
	if q, err = r.proveChains(other.source, q, left, finish); err != nil {
		return p, err
	}
	if !q.passesChecks() || q.isBlocked() || other.leavesElement(q) || !q.isBetterThan(p) {
		return p, nil
	}
	for _, e := range other.Elements {
		note := fmt.Sprintf("several statements of the release are planned together, from the difference of its schemas: %s", e)
		q.plan.Notes = appendUnique(q.plan.Notes, []string{note})
	}
	return q, nil
}

// isBetterThan reports whether a plan leaves nothing, or leaves less than another one and proves as many changes. A statement that is
// planned with another one counts in neither.
func (p *planner) isBetterThan(other *planner) bool {
	return p.isProvenWhole() || len(p.plan.Left) < len(other.plan.Left) && p.countProven() >= other.countProven()
}

// countProven returns how many changes of the release have proven steps.
func (p *planner) countProven() (n int) {
	for _, g := range p.groupSteps(p.tried && p.passesChecks()) {
		if g.Proven {
			n += g.Changes
		}
	}
	return n
}

// isProvenWhole reports whether the steps of a plan are proven, and do everything that the release does.
func (p *planner) isProvenWhole() bool {
	return p.tried && p.passesChecks() && len(p.plan.Proof.Missing) == 0 && len(p.plan.Left) == 0
}

// leavesElement reports whether a plan leaves a statement that no migration has: nothing could run it.
func (r *restated) leavesElement(p *planner) bool {
	return slices.ContainsFunc(r.Nodes, func(n *elements.Node) bool {
		if n.Element == nil {
			return false
		}
		return slices.ContainsFunc(p.plan.Left, func(l onward.PlanLeft) bool { return l.SQL == n.SQL })
	})
}
