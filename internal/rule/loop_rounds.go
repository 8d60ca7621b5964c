package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

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
