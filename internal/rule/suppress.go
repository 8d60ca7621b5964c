package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// suppressionSet are the suppression comments of one migration.
type suppressionSet struct {
	id, path string
	index    int
	list     []script.Suppression

	byRule map[string]*comments // made at the first finding
	used   map[*script.Suppression]map[string]bool
}

// comments are the comments of one migration that may suppress findings of one rule.
type comments struct {
	file   []*script.Suppression // for the whole file
	others []*script.Suppression // in the order of their targets
	took   bool                  // the comments for the file suppressed something
}

// The names of the engine's own findings about suppression comments. They cannot be
// suppressed.
const (
	SuppressionUnused    = "suppression-unused"
	SuppressionNoReason  = "suppression-reason-missing"
	SuppressionMalformed = "suppression-malformed"
)

// suppressFindings removes the findings that comments and the baseline suppress. It adds a finding for
// each comment that suppresses nothing, names no rule, or gives no reason.
func (e *Engine) suppressFindings() (remaining []*placedFinding, suppressed int) {
	byPath := map[string]*suppressionSet{}
	for i := range e.supps {
		byPath[e.supps[i].path] = &e.supps[i]
	}
	remaining = e.found[:0] // in place: there may be a hundred thousand
	for _, f := range e.found {
		if f.Severity == onward.Off {
			continue
		}
		if e.config.Baseline[f.Fingerprint] {
			suppressed++
			if e.hidden.Findings++; f.Severity == onward.Error {
				e.hidden.Errors++
			}
			continue
		}
		if s := byPath[f.Path]; s != nil && s.suppressFinding(f) {
			suppressed++
			continue
		}
		remaining = append(remaining, f)
	}
	found := remaining
	e.found = nil
	for i := range e.supps {
		remaining = append(remaining, e.judgeComments(&e.supps[i], found)...)
	}
	return remaining, suppressed
}

// Hidden returns the findings that the baseline suppressed. Call Finish first.
func (e *Engine) Hidden() onward.Known { return e.hidden }

// UsedComment is a comment that suppressed findings of a rule.
type UsedComment struct {
	Rule, Path string
	Line       int
}

// UsedComments returns the comments that suppressed findings, in the order of the migrations. Call Finish first.
func (e *Engine) UsedComments() (out []UsedComment) {
	for i := range e.supps {
		s := &e.supps[i]
		for k := range s.list {
			for _, rule := range slices.Sorted(maps.Keys(s.used[&s.list[k]])) {
				out = append(out, UsedComment{Rule: rule, Path: s.path, Line: s.list[k].Line})
			}
		}
	}
	return out
}

// suppressFinding reports whether a comment suppresses the finding, and marks all comments that do.
func (s *suppressionSet) suppressFinding(f *placedFinding) bool {
	c := s.commentsFor(f.Rule)
	if c == nil {
		return false
	}
	took := len(c.file) > 0
	if !c.took {
		c.took = true
		for _, x := range c.file {
			s.markUsed(x, f.Rule)
		}
	}
	first, last := min(f.outer, f.Line), max(f.outerEnd, f.EndLine, f.Line)
	index, _ := slices.BinarySearchFunc(c.others, first, func(x *script.Suppression, line int) int { return cmp.Compare(x.Target, line) })
	for _, x := range c.others[index:] {
		if x.Target > last {
			break
		}
		if x.CoversLine(f.outer, f.outerEnd, f.Line) || x.CoversLine(f.Line, f.EndLine, f.Line) {
			s.markUsed(x, f.Rule)
			took = true
		}
	}
	return took
}

func (s *suppressionSet) markUsed(c *script.Suppression, rule string) {
	if s.used == nil {
		s.used = map[*script.Suppression]map[string]bool{}
	}
	if s.used[c] == nil {
		s.used[c] = map[string]bool{}
	}
	s.used[c][rule] = true
}

// commentsFor returns the comments that name a rule and give a reason; nil for none.
func (s *suppressionSet) commentsFor(rule string) *comments {
	if s.byRule == nil {
		s.byRule = map[string]*comments{}
		for i := range s.list {
			x := &s.list[i]
			for _, name := range x.Rules {
				if !x.SuppressesRule(name) {
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

// judgeComments judges the suppression comments of a migration by its findings.
func (e *Engine) judgeComments(s *suppressionSet, found []*placedFinding) []*placedFinding {
	var out []*placedFinding
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
		out = append(out, &placedFinding{Finding: f, order: [2]int{s.index, 0}, versions: e.config.Versions})
	}
	for i := range s.list {
		c := &s.list[i]
		switch {
		case c.Foreign != "":
			if f, ok := judgeForeignComment(c, s.path, found); ok {
				add(c, f.rule, f.fact, f.harm, f.instead)
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
			case !e.runsRule(name) && !e.config.KnownRules[name]:
				add(c, SuppressionMalformed, fmt.Sprintf("there is no rule %q%s", name, e.nearestRule(name)), "nothing is suppressed by it",
					"see onward rules for the names")
			case !s.used[c][name] && e.runsRule(name) && !e.release.DeployedUnknown:
				add(c, SuppressionUnused, fmt.Sprintf("the comment suppresses nothing: %s finds nothing here", name), "it will hide the next hazard of that kind",
					"remove the comment")
			}
		}
	}
	return out
}

// commentFinding is what is found about a comment.
type commentFinding struct{ rule, fact, harm, instead string }

// judgeForeignComment judges a comment for another linter, or a call that silences one. It may be meant for that linter only, so it is reported
// only where onward has a finding.
func judgeForeignComment(c *script.Suppression, path string, found []*placedFinding) (out commentFinding, ok bool) {
	index := slices.IndexFunc(found, func(f *placedFinding) bool {
		return f.Path == path && (c.LastLine == 0 || isWaivable(f)) &&
			(c.CoversLine(f.outer, f.outerEnd, f.Line) || c.CoversLine(f.Line, f.EndLine, f.Line))
	})
	if index < 0 {
		return out, false
	}
	rule := found[index].Rule
	if c.LastLine > 0 {
		return commentFinding{
			SuppressionNoReason, c.Foreign + " gives no reason", "nothing is suppressed by it: " + rule + " is reported all the same",
			"if that was weighed, write # onward:ignore " + rule + ": why it is safe here",
		}, true
	}
	return commentFinding{
		SuppressionMalformed, c.Foreign + " takes nothing out here", "a finding after it is reported all the same",
		"if that was weighed, write -- onward:ignore " + rule + ": why it is safe here",
	}, true
}

// isWaivable reports whether a finding is of the kind that a call like safety_assured is meant for: an error, or a warning about code or rows.
func isWaivable(f *placedFinding) bool {
	switch f.Category {
	case onward.Compatibility, onward.DataLoss, onward.Data:
		return f.Severity >= onward.Warning
	}
	return f.Severity >= onward.Error
}

func (e *Engine) runsRule(name string) bool {
	for _, r := range e.rules {
		if r.ID == name {
			return !e.silent[r]
		}
	}
	return false
}

// nearestRule suggests the rule whose name is closest.
func (e *Engine) nearestRule(name string) string {
	names := make([]string, 0, len(e.config.Rules))
	for _, r := range e.config.Rules {
		names = append(names, r.ID)
	}
	if nearest := prose.NearestName(name, names); nearest != "" {
		return ": did you mean " + nearest + "?"
	}
	return ""
}
