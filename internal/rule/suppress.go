package rule

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// suppressed is what the comments of one migration take out.
type suppressed struct {
	id, path string
	index    int
	list     []script.Suppression

	byRule map[string]*comments // made at the first finding
	used   map[*script.Suppression]map[string]bool
}

// comments are those of one migration that may take out findings of one rule.
type comments struct {
	file   []*script.Suppression // for the whole file
	others []*script.Suppression // in the order of their targets
	took   bool                  // those for the file
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
func (e *Engine) suppress() (kept []placed, taken int) {
	byPath := map[string]*suppressed{}
	for i := range e.supps {
		byPath[e.supps[i].path] = &e.supps[i]
	}
	for _, f := range e.found {
		if f.Severity == onward.Off {
			continue
		}
		if e.config.Baseline[f.Fingerprint] {
			taken++
			if e.hidden.Findings++; f.Severity == onward.Error {
				e.hidden.Errors++
			}
			continue
		}
		if s := byPath[f.Path]; s != nil && s.take(&f) {
			taken++
			continue
		}
		kept = append(kept, f)
	}
	found := kept
	for i := range e.supps {
		kept = append(kept, e.comments(&e.supps[i], found)...)
	}
	return kept, taken
}

// Hidden is what the baseline took out. Finish comes first.
func (e *Engine) Hidden() onward.Known { return e.hidden }

// take reports whether a comment takes the finding out, and notes all that do.
func (s *suppressed) take(f *placed) bool {
	c := s.of(f.Rule)
	if c == nil {
		return false
	}
	took := len(c.file) > 0
	if !c.took {
		c.took = true
		for _, x := range c.file {
			s.use(x, f.Rule)
		}
	}
	first, last := min(f.outer, f.Line), max(f.outerEnd, f.EndLine, f.Line)
	at, _ := slices.BinarySearchFunc(c.others, first, func(x *script.Suppression, line int) int { return cmp.Compare(x.Target, line) })
	for _, x := range c.others[at:] {
		if x.Target > last {
			break
		}
		if x.Covers(f.outer, f.outerEnd, f.Line) || x.Covers(f.Line, f.EndLine, f.Line) {
			s.use(x, f.Rule)
			took = true
		}
	}
	return took
}

func (s *suppressed) use(c *script.Suppression, rule string) {
	if s.used == nil {
		s.used = map[*script.Suppression]map[string]bool{}
	}
	if s.used[c] == nil {
		s.used[c] = map[string]bool{}
	}
	s.used[c][rule] = true
}

// of are the comments that name a rule and give a reason; nil for none.
func (s *suppressed) of(rule string) *comments {
	if s.byRule == nil {
		s.byRule = map[string]*comments{}
		for i := range s.list {
			x := &s.list[i]
			for _, name := range x.Rules {
				if !x.Suppresses(name) {
					continue
				}
				c := s.byRule[name]
				if c == nil {
					c = &comments{}
					s.byRule[name] = c
				}
				if x.File {
					c.file = append(c.file, x)
				} else {
					c.others = append(c.others, x)
				}
			}
		}
		for _, c := range s.byRule {
			slices.SortStableFunc(c.others, func(a, b *script.Suppression) int { return cmp.Compare(a.Target, b.Target) })
		}
	}
	return s.byRule[rule]
}

// comments judges the suppression comments of a migration, given what was found.
func (e *Engine) comments(s *suppressed, found []placed) []placed {
	var out []placed
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
		out = append(out, placed{Finding: f, order: [2]int{s.index, 0}, versions: e.config.Versions})
	}
	for i := range s.list {
		c := &s.list[i]
		switch {
		case c.Foreign != "":
			// It may stand there for the other linter: it is told of where something is found.
			if at := slices.IndexFunc(found, func(f placed) bool {
				return f.Path == s.path && (c.Covers(f.outer, f.outerEnd, f.Line) || c.Covers(f.Line, f.EndLine, f.Line))
			}); at >= 0 {
				add(c, SuppressionMalformed, c.Foreign+" takes nothing out here", "what stands behind it is found all the same",
					"if that was weighed, write -- onward:ignore "+found[at].Rule+": why it is safe here")
				out[len(out)-1].Severity = min(out[len(out)-1].Severity, onward.Info)
			}
			continue
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
			case !s.used[c][name] && e.runs(name) && !e.release.DeployedUnknown:
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
	if near := advice.Nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}
