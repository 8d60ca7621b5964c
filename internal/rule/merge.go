package rule

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// repeated is the number of findings with one cause from which they are merged.
const repeated = 4

// mergeFindings combines the findings of one cause (Report.Cause), and two or more equal findings
// if Report.Once is set. The first finding stays; it counts the others and lists their
// places. It runs after suppressions and the baseline, which apply to each finding.
func mergeFindings(found []placedFinding) []placedFinding {
	type key struct {
		rule, cause, fact string
		severity          onward.Severity
		fails             bool
	}
	keyOf := func(f *placedFinding) key {
		k := key{rule: f.Rule, cause: f.cause, severity: f.Severity, fails: failsItself(f)}
		if f.once {
			k.fact = f.Fact
		}
		return k
	}
	count := map[key]int{}
	for i := range found {
		if found[i].cause != "" {
			count[keyOf(&found[i])]++
		}
	}
	first := map[key]int{} // place in out
	out := found[:0]
	for _, f := range found {
		k := keyOf(&f)
		if n := count[k]; n < 2 || n < cmp.Or(f.from, repeated) && !f.once {
			out = append(out, f)
			continue
		}
		at, ok := first[k]
		if !ok {
			first[k] = len(out)
			f.Fact += ", " + countOthers(f.cause, count[k]-1)
			f.Fix = nil // of the first place only
			out = append(out, f)
			continue
		}
		out[at].Also = append(append(out[at].Also, onward.Place{Migration: f.Migration, Path: f.Path, Line: f.Line, Fingerprint: f.Fingerprint}), f.Also...)
	}
	return out
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

// lowerYielding makes a warning a note if an error of its migration is about a lock (Report.Yields).
// It comes after suppressions: whoever silences the error keeps the warning.
func lowerYielding(found []placedFinding) []placedFinding {
	locks := map[string]bool{} // path
	for i := range found {
		f := &found[i]
		locks[f.Path] = locks[f.Path] || f.Severity == onward.Error && (f.Category == onward.Locking || f.Category == onward.InTransaction)
	}
	for i := range found {
		if f := &found[i]; f.yields && locks[f.Path] {
			f.Severity = min(f.Severity, onward.Info)
		}
	}
	return found
}

// failsItself reports whether the statement of a finding itself fails, and not a later
// one. In the second case, merging with "as above" would be wrong.
func failsItself(f *placedFinding) bool {
	return f.stops || strings.Contains(f.Harm, "the statement fails")
}

// dropLesser removes findings that are weaker than an error about the lock of the same
// statement (Report.Lesser). It runs after suppressions, as markUnreached does.
func dropLesser(found []placedFinding) []placedFinding {
	if !slices.ContainsFunc(found, func(f placedFinding) bool { return f.lesser }) {
		return found
	}
	type at struct {
		path  string
		order [2]int
	}
	blocks := map[at]int{}
	for i := range found {
		if f := &found[i]; (f.Severity == onward.Error || f.ProbablySmall != "") && f.Category == onward.Locking {
			if _, ok := blocks[at{f.Path, f.order}]; !ok {
				blocks[at{f.Path, f.order}] = i
			}
		}
	}
	var out []placedFinding
	for i := range found {
		if e, ok := blocks[at{found[i].Path, found[i].order}]; ok && found[i].lesser {
			found[e].Evidence = append(slices.Clip(found[e].Evidence), found[i].hands...)
		}
	}
	for i := range found {
		if _, ok := blocks[at{found[i].Path, found[i].order}]; !ok || !found[i].lesser {
			out = append(out, found[i])
		}
	}
	return out
}
