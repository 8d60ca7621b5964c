package rule

import (
	"fmt"

	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// suppressed is what the comments of one migration take out.
type suppressed struct {
	id, path string
	index    int
	list     []script.Suppression
}

// The names of what the engine itself finds about suppression comments. They
// cannot be suppressed.
const (
	SuppressionUnused    = "suppression-unused"
	SuppressionNoReason  = "suppression-reason-missing"
	SuppressionMalformed = "suppression-malformed"
)

// suppress takes out what comments and the baseline name, and adds a finding
// for each comment that takes out nothing, names nothing, or gives no reason.
func (e *Engine) suppress() (kept []Found, taken int) {
	byPath := map[string]*suppressed{}
	for i := range e.supps {
		byPath[e.supps[i].path] = &e.supps[i]
	}
	used := map[*script.Suppression]map[string]bool{}
	for _, f := range e.found {
		if f.Severity == onward.Off {
			continue
		}
		if e.config.Baseline[f.Fingerprint] {
			taken++
			if f.Severity == onward.Error {
				e.hidden = true
			}
			continue
		}
		if s := byPath[f.Path]; s != nil && s.take(&f, used) {
			taken++
			continue
		}
		kept = append(kept, f)
	}
	for i := range e.supps {
		kept = append(kept, e.comments(&e.supps[i], used)...)
	}
	return kept, taken
}

// Hidden reports whether the baseline took out an error. Finish comes first.
func (e *Engine) Hidden() bool { return e.hidden }

func (s *suppressed) take(f *Found, used map[*script.Suppression]map[string]bool) bool {
	took := false
	for i := range s.list {
		c := &s.list[i]
		if c.Suppresses(f.Rule) && (c.Covers(f.outer, f.outerEnd, f.Line) || c.Covers(f.Line, f.EndLine, f.Line)) {
			if used[c] == nil {
				used[c] = map[string]bool{}
			}
			used[c][f.Rule] = true
			took = true
		}
	}
	return took
}

// comments judges the suppression comments of a migration.
func (e *Engine) comments(s *suppressed, used map[*script.Suppression]map[string]bool) []Found {
	var out []Found
	add := func(c *script.Suppression, rule, fact, harm, instead string) {
		f := onward.Finding{
			Rule: rule, Category: onward.Suppression, Severity: onward.Warning,
			Migration: s.id, Path: s.path,
			Line: c.Line, Column: c.Column, EndLine: c.Line, EndColumn: c.EndColumn,
			Fact: fact, Harm: harm, Instead: instead,
			Fingerprint: Fingerprint(rule, s.id, "", fact),
		}
		if severity, ok := e.config.Severity[rule]; ok {
			if severity == onward.Off {
				return
			}
			f.Severity = severity
		}
		out = append(out, Found{Finding: f, order: [2]int{s.index, 0}, versions: e.config.Versions})
	}
	for i := range s.list {
		c := &s.list[i]
		switch {
		case c.Malformed != "":
			add(c, SuppressionMalformed, c.Malformed, "nothing is suppressed by it", "write -- onward:ignore RULE: REASON")
			continue
		case c.Reason == "":
			add(c, SuppressionNoReason, "the comment gives no reason", "nothing is suppressed by it: the next reader cannot tell whether the reason still holds",
				"write -- onward:ignore "+c.Rules[0]+": why it is safe here")
			continue
		}
		for _, name := range c.Rules {
			switch {
			case !e.known(name):
				add(c, SuppressionMalformed, fmt.Sprintf("there is no rule %q%s", name, e.nearest(name)), "nothing is suppressed by it", "see onward rules for the names")
			case !used[c][name] && e.runs(name):
				add(c, SuppressionUnused, fmt.Sprintf("the comment suppresses nothing: %s finds nothing here", name), "it will hide the next hazard of that kind",
					"remove the comment")
			}
		}
	}
	return out
}

func (e *Engine) runs(name string) bool {
	for _, r := range e.rules {
		if r.ID == name {
			return true
		}
	}
	return false
}

func (e *Engine) known(name string) bool { return e.runs(name) || e.config.KnownRules[name] }

// nearest suggests the rule whose name is closest.
func (e *Engine) nearest(name string) string {
	names := make([]string, 0, len(e.config.Rules))
	for _, r := range e.config.Rules {
		names = append(names, r.ID)
	}
	if near := Nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}
