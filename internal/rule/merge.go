package rule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// repeated is from how many findings of one cause on they are one.
const repeated = 4

// merge makes one finding of those that have one cause (Report.Cause), and where
// they say the same (Report.Once) of two: the first, which counts the others and
// lists where they are. It comes after suppressions and the baseline, which take
// out each by itself.
func merge(found []placed) []placed {
	type key struct {
		rule, cause, fact string
		severity          onward.Severity
		fails             bool
	}
	keyOf := func(f *placed) key {
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
	out := make([]placed, 0, len(found))
	for _, f := range found {
		k := keyOf(&f)
		if n := count[k]; n < 2 || n < repeated && !f.once {
			out = append(out, f)
			continue
		}
		at, ok := first[k]
		if !ok {
			first[k] = len(out)
			f.Fact += ", " + strings.Replace(f.cause, "%d", strconv.Itoa(count[k]-1), 1)
			f.Fix = nil // of the first place only
			out = append(out, f)
			continue
		}
		out[at].Also = append(out[at].Also, onward.Place{Migration: f.Migration, Path: f.Path, Line: f.Line, Fingerprint: f.Fingerprint})
	}
	return out
}

// failsItself reports whether it is the statement of a finding that fails, and not what
// comes after it: "as above" over such a one would be wrong.
func failsItself(f *placed) bool { return f.stops || strings.Contains(f.Harm, "the statement fails") }

// reached leaves out what was found behind a statement at which the migration
// stops (Report.Stops): the server never sees it. It comes after suppressions,
// so that whoever knows better than the finding gets the rest judged.
func reached(found []placed) []placed {
	end := map[string]int{} // path → statement
	for i := range found {
		f := &found[i]
		if at, ok := end[f.Path]; f.stops && (!ok || f.order[1] < at) {
			end[f.Path] = f.order[1]
		}
	}
	return slices.DeleteFunc(found, func(f placed) bool {
		at, ok := end[f.Path]
		return ok && f.order[1] > at
	})
}

// greater leaves out what says less than an error about the lock of the same statement
// (Report.Lesser). It comes after suppressions, as reached does.
func greater(found []placed) []placed {
	type at struct {
		path  string
		order [2]int
	}
	blocks := map[at]int{}
	for i := range found {
		if f := &found[i]; f.Severity == onward.Error && f.Category == onward.Locking {
			if _, ok := blocks[at{f.Path, f.order}]; !ok {
				blocks[at{f.Path, f.order}] = i
			}
		}
	}
	var out []placed
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
