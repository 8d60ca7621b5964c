package record

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// family are names that differ in a counter, a hash or a UUID only: test_1 and test_2 have the pattern test_*.
type family struct {
	pattern string
	names   []string
}

// manyHashes is from how many on a name without a digit may be a hash, too.
const manyHashes = 10

// findFamilies puts names of one shape and one pattern together, if there are enough. A name of the pattern with all tables of
// the only family, and more, belongs to it: its test made a table. The families are sorted.
func findFamilies(shapes map[string]string) []family {
	type key struct{ pattern, shape string }
	groups := map[key][]string{}
	var plain []string
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		if pattern := namePattern(name); pattern != name {
			groups[key{pattern, shapes[name]}] = append(groups[key{pattern, shapes[name]}], name)
		} else {
			plain = append(plain, name)
		}
	}
	families := map[string]int{} // by pattern
	for k, names := range groups {
		if len(names) >= leastFolded {
			families[k.pattern]++
		}
	}
	var out []family
	for k, names := range groups {
		if len(names) < leastFolded {
			continue
		}
		// Of many hashes some have no digit by chance.
		for _, name := range plain {
			if len(names) >= manyHashes && shapes[name] == k.shape && matchesFamily(name, k.pattern, names) {
				names = append(names, name)
			}
		}
		for other, more := range groups {
			if other.pattern == k.pattern && len(more) < leastFolded && families[k.pattern] == 1 && hasAllTables(other.shape, k.shape) {
				names = append(names, more...)
			}
		}
		slices.Sort(names)
		out = append(out, family{k.pattern, names})
	}
	slices.SortFunc(out, func(a, b family) int { return strings.Compare(a.pattern+a.names[0], b.pattern+b.names[0]) })
	return out
}

// hasAllTables reports whether a shape has the tables of another.
func hasAllTables(shape, other string) bool {
	tables := map[string]bool{}
	for table := range strings.SplitSeq(shape, ",") {
		tables[table] = true
	}
	for table := range strings.SplitSeq(other, ",") {
		if !tables[table] {
			return false
		}
	}
	return true
}

// matchesFamily reports whether a name has the length and the fixed parts of a family's names, and eight or more characters in
// the other part.
func matchesFamily(name, pattern string, names []string) bool {
	prefix, suffix, _ := strings.Cut(pattern, "*")
	if strings.Contains(suffix, "*") || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) || len(name) < len(prefix)+len(suffix)+8 {
		return false
	}
	return !slices.ContainsFunc(names, func(s string) bool { return len(s) != len(name) })
}

var (
	// uuidPart has hyphens, underscores or nothing between its parts.
	uuidPart = lazyregexp.New(`(?i)[0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12}`)
	hexPart  = lazyregexp.New(`[0-9a-f]{8,}`)
	words    = lazyregexp.New(`[0-9A-Za-z]+`)
	digits   = lazyregexp.New(`[0-9]+`)
	counted  = lazyregexp.New(`^[A-Za-z]+[0-9]+$`)
	stars    = lazyregexp.New(`\*+`)
)

// namePattern is a name with a * for each part that is a counter, a hash or a UUID.
func namePattern(name string) string {
	name = uuidPart.ReplaceAllString(name, "*")
	parts := strings.Split(name, "*")
	for i, part := range parts {
		parts[i] = words.ReplaceAllStringFunc(part, wordPattern)
	}
	return stars.ReplaceAllString(strings.Join(parts, "*"), "*")
}

// wordPattern does so for one word between hyphens and underscores.
func wordPattern(word string) string {
	if span := hexPart.FindStringIndex(word); span != nil && span[1] == len(word) && (digits.MatchString(word[span[0]:]) || span[1]-span[0] >= 16) {
		return word[:span[0]] + "*"
	}
	switch {
	case counted.MatchString(word):
		return digits.ReplaceAllString(word, "*")
	case len(word) >= 6 && digits.MatchString(word): // letters and digits in turns
		return "*"
	}
	return digits.ReplaceAllString(word, "*")
}

// patternStem is a pattern without the parts that differ, and without what joined them.
func patternStem(pattern string) string {
	var parts []string
	for _, part := range strings.Split(pattern, "*") {
		if part = strings.Trim(part, "_-"); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "_")
}
