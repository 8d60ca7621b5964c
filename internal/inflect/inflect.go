// Package inflect forms plurals and singulars as Active Support and Laravel do, to find the table of a class: LineItem has line_items.
package inflect

import (
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// inflection replaces the end of a word.
type inflection struct {
	pattern *lazyregexp.Regexp
	by      string
}

func newInflection(pattern, replacement string) inflection {
	return inflection{lazyregexp.New(`(?i)` + pattern), replacement}
}

// plurals and singulars are the rules of Active Support, the one that is tried first at the beginning
// (activesupport/lib/active_support/inflections.rb, the same from 4.2 to 8). A project may add its own in config/initializers/inflections.rb,
// which is not read.
var plurals = []inflection{
	newInflection(`(z)ombies$`, "${1}ombies"), newInflection(`(z)ombie$`, "${1}ombies"), newInflection(`(m)oves$`, "${1}oves"),
	newInflection(`(m)ove$`, "${1}oves"),
	newInflection(`(s)exes$`, "${1}exes"), newInflection(`(s)ex$`, "${1}exes"), newInflection(`(c)hildren$`, "${1}hildren"),
	newInflection(`(c)hild$`, "${1}hildren"),
	newInflection(`(m)en$`, "${1}en"), newInflection(`(m)an$`, "${1}en"), newInflection(`(p)eople$`, "${1}eople"),
	newInflection(`(p)erson$`, "${1}eople"),
	newInflection(`(quiz)$`, "${1}zes"), newInflection(`^(oxen)$`, "${1}"), newInflection(`^(ox)$`, "${1}en"), newInflection(`^(m|l)ice$`, "${1}ice"),
	newInflection(`^(m|l)ouse$`, "${1}ice"),
	newInflection(`(matr|vert|ind)(?:ix|ex)$`, "${1}ices"), newInflection(`(x|ch|ss|sh)$`, "${1}es"), newInflection(`([^aeiouy]|qu)y$`, "${1}ies"),
	newInflection(`(hive)$`, "${1}s"),
	newInflection(`(?:([^f])fe|([lr])f)$`, "${1}${2}ves"), newInflection(`sis$`, "ses"), newInflection(`([ti])a$`, "${1}a"),
	newInflection(`([ti])um$`, "${1}a"), newInflection(`(buffal|tomat)o$`, "${1}oes"),
	newInflection(`(bu)s$`, "${1}ses"), newInflection(`(alias|status)$`, "${1}es"), newInflection(`(octop|vir)i$`, "${1}i"),
	newInflection(`(octop|vir)us$`, "${1}i"),
	newInflection(`^(ax|test)is$`, "${1}es"), newInflection(`s$`, "s"), newInflection(`$`, "s"),
}

var singulars = []inflection{
	newInflection(`(z)ombies$`, "${1}ombie"), newInflection(`(z)ombie$`, "${1}ombie"), newInflection(`(m)oves$`, "${1}ove"),
	newInflection(`(m)ove$`, "${1}ove"),
	newInflection(`(s)exes$`, "${1}ex"), newInflection(`(s)ex$`, "${1}ex"), newInflection(`(c)hildren$`, "${1}hild"),
	newInflection(`(c)hild$`, "${1}hild"),
	newInflection(`(m)en$`, "${1}an"), newInflection(`(m)an$`, "${1}an"), newInflection(`(p)eople$`, "${1}erson"),
	newInflection(`(p)erson$`, "${1}erson"),
	newInflection(`(database)s$`, "${1}"), newInflection(`(quiz)zes$`, "${1}"), newInflection(`(matr)ices$`, "${1}ix"),
	newInflection(`(vert|ind)ices$`, "${1}ex"), newInflection(`^(ox)en`, "${1}"),
	newInflection(`(alias|status)(es)?$`, "${1}"), newInflection(`(octop|vir)(us|i)$`, "${1}us"), newInflection(`^(a)x[ie]s$`, "${1}xis"),
	newInflection(`(cris|test)(is|es)$`, "${1}is"),
	newInflection(`(shoe)s$`, "${1}"), newInflection(`(o)es$`, "${1}"), newInflection(`(bus)(es)?$`, "${1}"), newInflection(`^(m|l)ice$`, "${1}ouse"),
	newInflection(`(x|ch|ss|sh)es$`, "${1}"),
	newInflection(`(m)ovies$`, "${1}ovie"), newInflection(`(s)eries$`, "${1}eries"), newInflection(`([^aeiouy]|qu)ies$`, "${1}y"),
	newInflection(`([lr])ves$`, "${1}f"), newInflection(`(tive)s$`, "${1}"),
	newInflection(`(hive)s$`, "${1}"), newInflection(`([^f])ves$`, "${1}fe"), newInflection(`(^analy)(sis|ses)$`, "${1}sis"),
	newInflection(`((?:a)naly|(?:b)a|(?:d)iagno|(?:p)arenthe|(?:p)rogno|(?:s)ynop|(?:t)he)(sis|ses)$`, "${1}sis"), newInflection(`([ti])a$`, "${1}um"),
	newInflection(`(n)ews$`, "${1}ews"),
	newInflection(`(ss)$`, "${1}"), newInflection(`s$`, ""),
}

// uncountable matches words that have one form.
var uncountable = lazyregexp.New(`(?i)(?:\b|_)(?:equipment|information|rice|money|species|series|fish|sheep|jeans|police)$`)

// form is a set of rules with the words that they were applied to: a release asks for the same names again and again.
type form struct {
	rules []inflection
	mu    sync.Mutex
	known map[string]string
}

var plural, singular = &form{rules: plurals}, &form{rules: singulars}

// maxKnown bounds the words of a form.
const maxKnown = 10_000

func (f *form) inflectWord(word string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, ok := f.known[word]
	if ok {
		return out
	}
	word = strings.Clone(word) // a part of a file, which would be kept
	if out = word; word != "" && !uncountable.MatchString(word) {
		out = applyRules(word, f.rules)
	}
	if f.known == nil || len(f.known) == maxKnown {
		f.known = map[string]string{}
	}
	f.known[word] = out
	return out
}

// applyRules applies the first rule that matches a word.
func applyRules(word string, rules []inflection) string {
	for _, r := range rules {
		if match := r.pattern.FindStringSubmatchIndex(word); match != nil {
			return word[:match[0]] + string(r.pattern.ExpandString(nil, r.by, word, match)) + word[match[1]:]
		}
	}
	return word
}

// Pluralize returns the plural of a word.
func Pluralize(word string) string { return plural.inflectWord(word) }

// Singularize returns the singular of a word.
func Singularize(word string) string { return singular.inflectWord(word) }

// humps match the places where a name of a class has an underscore as a name of a table.
var humps = [2]*lazyregexp.Regexp{lazyregexp.New(`([A-Z\d]+)([A-Z][a-z])`), lazyregexp.New(`([a-z\d])([A-Z])`)}

// Underscore writes the name of a class as the name of its file.
func Underscore(class string) string {
	class = strings.ReplaceAll(class, "::", "/")
	class = humps[0].ReplaceAllString(class, "${1}_${2}")
	return strings.ToLower(strings.ReplaceAll(humps[1].ReplaceAllString(class, "${1}_${2}"), "-", "_"))
}

// TableOf returns the table of a class by its name alone.
func TableOf(class string) string {
	return Pluralize(Underscore(class[strings.LastIndex(class, ":")+1:]))
}
