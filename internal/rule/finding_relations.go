package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/onward"
)

// relation says how the findings of a group change one another. For example, an error about a lock makes some warnings of the same file
// notes, because its fix changes the locks (lowerYielding).
type relation struct {
	// groupOf returns the group of a finding; nil for none.
	groupOf func(f *placedFinding) any
	// settle changes the findings of a group, which are in the order of the release. It sets dropped in those to leave out.
	settle func(group []*placedFinding)
}

// relations are applied one after the other. All of them come after suppressions and the baseline, which are about each finding alone: whoever
// silences a finding sees what it hid.
var relations = []relation{
	{groupOf: groupByPath, settle: markUnreached},
	{groupOf: groupByStatement, settle: dropLesser},
	{groupOf: groupByPath, settle: lowerYielding},
	{groupOf: groupByLoop, settle: mergeRounds},
	{groupOf: groupByCause, settle: mergeCause},
}

// relateFindings applies relations to findings in the order of the release, and returns those that stay.
func relateFindings(found []*placedFinding, list ...relation) []*placedFinding {
	for _, r := range list {
		var groups [][]*placedFinding
		places := map[any]int{} // in groups
		for _, f := range found {
			key := r.groupOf(f)
			if key == nil {
				continue
			}
			place, ok := places[key]
			if !ok {
				place = len(groups)
				places[key], groups = place, append(groups, nil)
			}
			groups[place] = append(groups[place], f)
		}
		for _, g := range groups {
			r.settle(g)
		}
		found = slices.DeleteFunc(found, func(f *placedFinding) bool { return f.dropped })
	}
	return found
}

func groupByPath(f *placedFinding) any { return f.Path }

// statementKey is the group of the findings on one statement.
type statementKey struct {
	path  string
	order [2]int
}

func groupByStatement(f *placedFinding) any { return statementKey{f.Path, f.order} }

// mergeKey is the group of findings that may become one. Those on statements that fail themselves stay apart: "as above" would be wrong.
type mergeKey struct {
	rule, path, round, cause, fact string
	severity                       onward.Severity
	fails                          bool
}

func groupByLoop(f *placedFinding) any {
	if f.round == "" {
		return nil
	}
	return mergeKey{rule: f.Rule, path: f.Path, round: f.round, severity: f.Severity, fails: f.failsItself()}
}

func groupByCause(f *placedFinding) any {
	if f.said.Cause == "" {
		return nil
	}
	k := mergeKey{rule: f.Rule, cause: f.said.Cause, severity: f.Severity, fails: f.failsItself()}
	if f.said.Once {
		k.fact = f.Fact
	}
	return k
}

// failsItself reports whether the statement of a finding itself fails, and not a later one.
func (f *placedFinding) failsItself() bool {
	return f.said.Stops || strings.Contains(f.Harm, "the statement fails")
}

// maxLines is how many lines of failures a finding names.
const maxLines = 3

// markUnreached says in the findings after a statement at which the migration stops (Report.Stops) that they count once that is fixed: the
// server never gets there. It drops findings on what such a statement would have made.
func markUnreached(file []*placedFinding) {
	type stop struct{ statement, line int }
	var stops []stop
	for _, f := range file {
		if f.said.Stops && !slices.ContainsFunc(stops, func(s stop) bool { return s.statement == f.order[1] }) {
			stops = append(stops, stop{f.order[1], f.Line})
		}
	}
	for _, f := range file {
		var lines []string
		for _, s := range stops {
			if s.statement < f.order[1] {
				f.After = append(f.After, s.line)
				lines = append(lines, fmt.Sprintf(":%d", s.line))
				f.dropped = f.dropped || slices.Contains(f.depends, s.statement)
			}
		}
		if len(lines) > 0 {
			f.Harm += "; this counts once " + prose.FirstNames(lines, maxLines) + prose.PickForm(len(lines), " is", " are") + " fixed"
		}
	}
}

// dropLesser drops findings that are weaker than an error about the lock of the same statement (Report.Lesser).
func dropLesser(statement []*placedFinding) {
	i := slices.IndexFunc(statement, func(f *placedFinding) bool {
		return (f.Severity == onward.Error || f.ProbablySmall != "") && f.Category == onward.Locking
	})
	if i < 0 {
		return
	}
	for _, f := range statement {
		if f.said.Lesser {
			statement[i].Evidence = append(slices.Clip(statement[i].Evidence), f.said.Hands...)
			f.dropped = true
		}
	}
}

// lowerYielding makes a warning a note if an error of its migration is about a lock (Report.Yields).
func lowerYielding(file []*placedFinding) {
	if !slices.ContainsFunc(file, func(f *placedFinding) bool {
		return f.Severity == onward.Error && (f.Category == onward.Locking || f.Category == onward.InTransaction)
	}) {
		return
	}
	for _, f := range file {
		if f.said.Yields {
			f.Severity = min(f.Severity, onward.Info)
		}
	}
}

// repeated is the number of findings with one cause from which they are merged.
const repeated = 4

// mergeCause combines the findings of one cause (Report.Cause), and two or more equal findings if Report.Once is set. The first finding stays; it
// counts the others and lists their places.
func mergeCause(group []*placedFinding) {
	first := group[0]
	if n := len(group); n < 2 || n < cmp.Or(first.said.From, repeated) && !first.said.Once {
		return
	}
	first.Fact += ", " + countOthers(first.said.Cause, len(group)-1)
	first.Fix = nil // of the first place only
	for _, f := range group[1:] {
		first.Also = append(append(first.Also, onward.Place{Migration: f.Migration, Path: f.Path, Line: f.Line, Fingerprint: f.Fingerprint}), f.Also...)
		f.dropped = true
	}
}

// countOthers puts a number into a cause, whose noun is in the plural: "nor in %d other migrations".
func countOthers(cause string, n int) string {
	if n == 1 {
		before, after, _ := strings.Cut(cause, "%d other")
		words := strings.SplitAfter(after, " ")
		for i, w := range words {
			if noun := strings.TrimSuffix(strings.TrimSuffix(w, " "), ","); strings.HasSuffix(noun, "s") {
				words[i] = noun[:len(noun)-1] + w[len(noun):]
				return before + "1 other" + strings.Join(words, "")
			}
		}
	}
	return strings.Replace(cause, "%d", strconv.Itoa(n), 1)
}

const (
	// maxRoundLines bounds the SQL of a merged finding: the fixes of all rounds.
	maxRoundLines = 60
	// maxRoundEvidence bounds the evidence of a merged finding.
	maxRoundEvidence = 20
)

// mergeRounds combines the findings of a rule on the rounds of one loop: the same EXECUTE runs the statements, and their place is the same.
// The first finding stays, with the evidence, the conditions and the fixes of the others.
func mergeRounds(rounds []*placedFinding) {
	first := rounds[0]
	if len(rounds) == 1 {
		return
	}
	first.Evidence, first.Also = slices.Clone(first.Evidence), slices.Clone(first.Also)
	for _, f := range rounds[1:] {
		first.Also = append(first.Also, onward.Place{Migration: f.Migration, Path: f.Path, Line: f.Line, Fingerprint: f.Fingerprint, Fact: f.Fact})
		for _, e := range f.Evidence {
			if len(first.Evidence) < maxRoundEvidence && !slices.Contains(first.Evidence, e) {
				first.Evidence = append(first.Evidence, e)
			}
		}
		f.dropped = true
	}
	first.Instead, first.SafeIf = joinRoundFixes(rounds), joinRoundConditions(rounds)
	if len(rounds) == 2 {
		first.Fact += ", and the loop does so once more"
		return
	}
	first.Fact += fmt.Sprintf(", and the loop does so %d more times", len(rounds)-1)
}

// joinRoundFixes returns the first fix with the SQL of all of them.
func joinRoundFixes(list []*placedFinding) string {
	words, sql, _ := strings.Cut(list[0].Instead, "\n")
	if sql == "" || strings.Contains(sql, "\nor ") {
		return list[0].Instead // an alternative in prose follows the SQL
	}
	parts := []string{sql}
	for i, f := range list[1:] {
		_, more, _ := strings.Cut(f.Instead, "\n")
		if more == "" || slices.Contains(parts, more) {
			continue
		}
		if strings.Count(strings.Join(parts, "\n"), "\n")+strings.Count(more, "\n") >= maxRoundLines {
			parts = append(parts, fmt.Sprintf("-- and so in %d more rounds of the loop", len(list)-1-i))
			break
		}
		parts = append(parts, more)
	}
	return words + "\n" + strings.Join(parts, "\n")
}

// joinRoundConditions returns the condition under which all rounds are harmless.
func joinRoundConditions(list []*placedFinding) string {
	const noUse = "no deployed code uses "
	var used, other []string
	for _, f := range list {
		thing, ok := strings.CutPrefix(f.SafeIf, noUse)
		switch {
		case ok && !slices.Contains(used, thing):
			used = append(used, thing)
		case !ok && f.SafeIf != "" && !slices.Contains(other, f.SafeIf):
			other = append(other, f.SafeIf)
		}
	}
	if used != nil {
		other = append([]string{noUse + strings.Join(used, ", ")}, other...)
	}
	return strings.Join(other, " and ")
}

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
