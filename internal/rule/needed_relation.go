package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/query"
)

// branch is a branch of an IF that runs only if a relation exists, such as IF to_regclass('t') IS NOT NULL in a DO block.
type branch struct {
	migration  *Migration
	parent, at int    // as Parent and NeedsAt of the branch's statements
	needs      string // the relation, as written
}

// skipMissing reports whether the server skips a statement because a relation does not exist, and leaves it out of the
// schema and of all rules. The answer is the same for all statements of a branch: the server evaluates the condition
// once.
func (e *Engine) skipMissing(s *Stmt) bool {
	for _, name := range s.Needs {
		key := branch{s.Migration, s.Parent, s.NeedsAt, name}
		missing, known := e.missingRelations[key]
		if !known {
			missing = !e.mayRelationExist(name)
			if e.missingRelations == nil {
				e.missingRelations = map[branch]bool{}
			}
			e.missingRelations[key] = missing
		}
		if missing {
			skipped := *s.Statement
			skipped.Node, skipped.Err = nil, nil
			s.Statement, s.Missing, s.FirstSkipped = &skipped, name, !known
			return true
		}
	}
	return false
}

// mayRelationExist reports whether a relation may exist before the current statement. It does not if the deployed migrations
// create all tables that they name, but neither they nor the release so far created this one.
func (e *Engine) mayRelationExist(name string) bool {
	schema, table := query.SplitName(name)
	if e.catalog.Lookup(schema, table) != nil {
		return true
	}
	if e.catalog.Complete || e.catalog.IsDropped(schema, table) {
		return false
	}
	return e.catalog.LastUnseen() != "" || !e.isHistoryWhole()
}

// isHistoryWhole reports whether the deployed migrations create tables, and every table that they name.
func (e *Engine) isHistoryWhole() bool {
	created, inferred := false, false
	e.release.Deployed.EachRelation(func(r *catalog.Relation) bool {
		created, inferred = created || r.Kind.IsTable() && !r.Inferred, inferred || r.Inferred
		return !inferred
	})
	return created && !inferred
}
