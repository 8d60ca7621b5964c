package trigger

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FunctionFails flags a trigger whose function fails whenever it is called, or
// throws every row away. Fields of NEW and OLD are trigger-field-missing's.
// https://www.postgresql.org/docs/current/plpgsql-trigger.html
var FunctionFails = &rule.Rule{
	ID:       "trigger-function-fails",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a trigger whose function fails, or skips the row, on each write",
	Harm: "CREATE FUNCTION looks at the grammar of a body alone: a RETURN that is left out, an audit table that nobody made, " +
		"a column that it does not have, or one that it needs a value for show when the trigger fires. " +
		"So does a function that writes to the table of its own trigger, and fires it again without end. " +
		"Then each write of the table fails, also in the deployed code. A trigger BEFORE a row that returns NULL skips the row, and nothing fails at all.",
	Instead: "Return NEW (OLD for DELETE), write the columns that are there, and let the release write one row in a test.",
	Manual:  []string{"https://www.postgresql.org/docs/current/plpgsql-trigger.html"},
	Gather:  func(p *rule.Pass, m *rule.Migration) { gatherTriggers(p, m, mayTriggerFail) },
	Release: func(p *rule.Pass, r *rule.Release) { judgeKeptTriggers(p, r, judgeFailingFunction) },
}

var (
	returned = lazyregexp.New(`(?i)\breturn\s+([^;]*)`)
	// leaves are the other ways out of a function, and what a trigger that
	// throws rows away may do with them first.
	leaves = lazyregexp.New(`(?i)\b(return|raise|insert|update|delete|merge|execute|perform|call|notify|if|case|loop|select)\b`)
)

// mayTriggerFail reports whether a trigger may fail, as a first look when it is made. Each trigger of a history
// comes by here: patterns are for the few.
func mayTriggerFail(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil {
		return false
	}
	body := strings.ToLower(fn.Body)
	if !analysis.MentionsWord(body, "return") || analysis.MentionsWord(body, "null") && skipsAllRows(fn, t) {
		return true
	}
	if (analysis.MentionsWord(body, "insert") || analysis.MentionsWord(body, "update")) && findRefiring(c, r, t, fn) != "" {
		return true
	}
	_, problem := c.FindRefusedInBody(fn)
	return problem != nil
}

// skipsAllRows reports whether a trigger throws each row away.
func skipsAllRows(fn *catalog.Function, t *catalog.Trigger) bool {
	return t.When == nil && len(t.Columns) == 0 && discardsRow(fn, t)
}

// discardsRow reports whether a function does nothing but to throw the row away.
func discardsRow(fn *catalog.Function, t *catalog.Trigger) bool {
	if t.Timing != "before" || !t.Row {
		return false
	}
	all := leaves.FindAllString(fn.Body, 2)
	m := returned.FindStringSubmatch(fn.Body)
	return len(all) == 1 && m != nil && strings.EqualFold(strings.TrimSpace(m[1]), "null")
}

func judgeFailingFunction(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, r *catalog.Relation, t *catalog.Trigger) {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil {
		return
	}
	use := analysis.RowUse(fn, r, t, catalog.Field{})
	out := rule.Report{Severity: onward.Off}
	refiringSQL := findRefiring(c, r, t, fn)
	switch mention, problem := c.FindRefusedInBody(fn); {
	case skipsAllRows(fn, t):
		out.Fact = "trigger " + t.Name + " throws away every row that is written to " + r.Name.String()
		out.Harm = fn.Signature() + " returns NULL before the row is written: each " + use.Fires + " does nothing, without an error, in old and new code alike"
		out.Instead = "return the row: RETURN NEW"
	case !leaves.MatchString(fn.Body) || !returned.MatchString(fn.Body) && !strings.Contains(strings.ToLower(fn.Body), "raise"):
		out.Fact = "trigger " + t.Name + " of " + r.Name.String() + " calls " + fn.Signature() + ", which has no RETURN"
		out.Harm = "each " + use.Fires + " fails with control reached end of trigger procedure without RETURN, in old and new code alike"
		out.Instead = "end it with the row (RETURN NEW), or with NULL for a trigger AFTER"
	case problem != nil:
		out.Fact = "trigger " + t.Name + " of " + r.Name.String() + " calls " + fn.Signature() + ", which fails"
		out.Harm = "each " + use.Fires + " fails with " + problem.Message() + ", in old and new code alike"
		out.Instead = "write the columns that are there, and all that must have a value"
		use.Mention = mention
		out.Evidence = []onward.Evidence{use.Evidence()}
		switch problem.SQLSTATE {
		case "42P01":
			out.Instead = "create the table in this release, or name one that is there"
		case "42883":
			out.Instead = "create the function in this release, or call one that is there"
		}
		if problem.Unseen {
			out.Fact += ", unless something beside the migrations made what it names"
		}
		if problem.Unseen || !c.Complete && c.Unmodelled != nil {
			out.Severity = onward.Warning
		}
	case refiringSQL != "":
		out.Fact = "trigger " + t.Name + " of " + r.Name.String() + " fires itself: " + fn.Signature() + " writes to " + r.Name.String() + " again"
		out.Harm = "each " + failingEvents(t, refiringSQL) + " fails with stack depth limit exceeded, in old and new code alike"
		out.Instead = "set the columns of NEW in a trigger BEFORE the row, or leave out what the trigger itself writes:\n" +
			"… FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION …;"
		if !t.Row {
			out.Instead = "leave out what the trigger itself writes:\n… FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION …;"
		}
		use.Mention = catalog.Mention{Text: refiringSQL, Sure: true}
		out.Evidence = []onward.Evidence{use.Evidence()}
	default:
		return
	}
	p.Report(stmt, out)
}
