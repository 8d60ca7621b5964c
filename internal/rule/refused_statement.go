package rule

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Rules that explain several kinds of refusals.
const (
	unsuitable  = "constraint-using-index-unsuitable"
	unsupported = "index-drop-concurrently-unsupported"
	identity    = "publication-identity-missing"
)

// refusals maps refusals to the rules that explain them, for refusals that have a rule of
// their own with a fix.
var refusals = map[pgerror.Kind]string{
	pgerror.ForeignKeyNotValid: "constraint-foreign-key-not-valid-partitioned",

	pgerror.UsingTaken:       unsuitable,
	pgerror.UsingInvalid:     unsuitable,
	pgerror.UsingNotUnique:   unsuitable,
	pgerror.UsingExpressions: unsuitable,
	pgerror.UsingPartial:     unsuitable,
	pgerror.UsingSorted:      unsuitable,

	pgerror.IndexConcurrently: "index-concurrent-partitioned",

	pgerror.DropConcurrentlyPartitioned: unsupported,
	pgerror.DropConcurrentlyMany:        unsupported,
	pgerror.DropConcurrentlyCascade:     unsupported,

	pgerror.DetachConcurrently: "partition-detach-concurrently-unsupported",

	pgerror.PublishesUpdates:   identity,
	pgerror.PublishesDeletes:   identity,
	pgerror.UnidentifiedUpdate: identity,
	pgerror.UnidentifiedDelete: identity,

	pgerror.RefreshConcurrently: "view-refresh-concurrently-unsupported",
}

// RefusedRule returns the rule that explains the server's refusal of the statement; "" if
// the server does not refuse it, or only its message is known. The general rule ignores
// refusals that have a rule.
func (s *Stmt) RefusedRule() string {
	if len(s.Problems) > 0 && s.Problems[0].Replaced != nil {
		return "function-replace-refused"
	}
	if s.Result.Refused == nil {
		return ""
	}
	return refusals[s.Result.Refused.Kind]
}

// IsOptional reports whether a statement may be skipped, or its failure caught: it is in a
// DO block, under a condition or in a block with an exception handler.
func (s *Stmt) IsOptional() bool {
	if s.Conditional || s.Loop {
		return true
	}
	return s.Parent >= 0 && s.Migration.Statements[s.Parent].handlesErrors()
}

// handlers caches for the DO blocks of a migration whether they have an exception
// handler.
type handlers map[*Stmt]bool

// handlesErrors reports whether a DO block catches errors inside it.
func (s *Stmt) handlesErrors() bool {
	seen := BuildOnce(&s.Migration.Notes, func() handlers { return handlers{} })
	if handles, ok := seen[s]; ok {
		return handles
	}
	seen[s] = analysis.IndexWord(strings.ReplaceAll(s.SQL, "$", " "), "EXCEPTION") >= 0
	return seen[s]
}

// uncheckedBodies is the first statement of a migration that sets check_function_bodies.
type uncheckedBodies struct{ by *Stmt }

// ReadsBodies reports whether the server checks the bodies of functions when a statement
// runs. The dumps of pg_dump switch that off.
func (s *Stmt) ReadsBodies() bool {
	m := s.Migration
	first := BuildOnce(&m.Notes, func() uncheckedBodies {
		for _, o := range StatementsOf[*pgparse.Node_VariableSetStmt](m) {
			if o.Node.GetVariableSetStmt().GetName() == "check_function_bodies" {
				return uncheckedBodies{o}
			}
		}
		return uncheckedBodies{}
	}).by
	return first == nil || first.Index >= s.Index
}
