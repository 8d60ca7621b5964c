package rule

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// The rules that explain several kinds.
const (
	unsuitable  = "constraint-using-index-unsuitable"
	unsupported = "index-drop-concurrently-unsupported"
	identity    = "publication-identity-missing"
)

// refusals are those that a rule of their own explains: it knows the way out.
var refusals = map[refuse.Kind]string{
	refuse.ForeignKeyNotValid: "constraint-foreign-key-not-valid-partitioned",

	refuse.UsingTaken:       unsuitable,
	refuse.UsingInvalid:     unsuitable,
	refuse.UsingNotUnique:   unsuitable,
	refuse.UsingExpressions: unsuitable,
	refuse.UsingPartial:     unsuitable,
	refuse.UsingSorted:      unsuitable,

	refuse.IndexConcurrently: "index-concurrent-partitioned",

	refuse.DropConcurrentlyPartitioned: unsupported,
	refuse.DropConcurrentlyMany:        unsupported,
	refuse.DropConcurrentlyCascade:     unsupported,

	refuse.DetachConcurrently: "partition-detach-concurrently-unsupported",

	refuse.PublishesUpdates: identity,
	refuse.PublishesDeletes: identity,

	refuse.RefreshConcurrently: "view-refresh-concurrently-unsupported",
}

// RefusedRule names the rule that explains the server's refusal of the
// statement; "" when the server does not refuse it, or nothing but its message
// is known. The general rule leaves these refusals alone.
func (s *Stmt) RefusedRule() string {
	if s.Result.Refused == nil {
		if len(s.Problems) > 0 && s.Problems[0].Replaced != nil {
			return "function-replace-refused"
		}
		return ""
	}
	return refusals[s.Result.Refused.Kind]
}

// Optional reports whether a statement may be skipped, or its failure caught:
// it stands in a DO block, under a condition or beside a handler.
func (s *Stmt) Optional() bool {
	if s.Conditional || s.Loop {
		return true
	}
	return s.Parent >= 0 && s.Migration.Statements[s.Parent].handles()
}

// handlers are the DO blocks of a migration, and whether they have a handler.
type handlers map[*Stmt]bool

// handles reports whether a DO block catches what fails in it.
func (s *Stmt) handles() bool {
	seen := Once(&s.Migration.Notes, func() handlers { return handlers{} })
	if is, ok := seen[s]; ok {
		return is
	}
	seen[s] = analysis.IndexWord(strings.ReplaceAll(s.SQL, "$", " "), "EXCEPTION") >= 0
	return seen[s]
}

// unchecked is the first statement of a migration that sets check_function_bodies.
type unchecked struct{ by *Stmt }

// ReadsBodies reports whether the server looks into the bodies of functions when
// a statement runs, which pg_dump's files keep it from.
func (s *Stmt) ReadsBodies() bool {
	m := s.Migration
	first := Once(&m.Notes, func() unchecked {
		for _, o := range Of[*pgparse.Node_VariableSetStmt](m) {
			if o.Node.GetVariableSetStmt().GetName() == "check_function_bodies" {
				return unchecked{o}
			}
		}
		return unchecked{}
	}).by
	return first == nil || first.Index >= s.Index
}
