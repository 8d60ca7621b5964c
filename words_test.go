package onward_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// wordCounts says how plain the words of the project are. Rates are turns of phrase per 1,000 words.
type wordCounts struct {
	Comments, Texts, Docs float64
	// LongSentences are the sentences of the docs with more than 40 words.
	LongSentences int
	// OneWord is the share of functions whose name is one word, in percent. Shared is how many names ten functions
	// or more have.
	OneWord float64
	Shared  int
	// Particles is the share of variables whose name is a particle, a pronoun, an auxiliary or a participle, in percent.
	Particles float64
	// LongLines are the lines of code with more than 160 columns. Nearly all are SQL.
	LongLines int
}

// limitsFile has the limits. They only go down: ONWARD_LIMITS=write lowers them to what is counted.
const limitsFile = "words.json"

// turns are turns of phrase that strangers stumble over. CONTRIBUTING says what to write.
var turns = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:is|are|was|were|be|been) (?:not |never |also |then |only )?(?:told|said|taken|noted)\b`),
	regexp.MustCompile(`\bwhere (?:there|it|that|they|nothing|nobody|none|one|no|somebody|all)\b`),
	regexp.MustCompile(`\b(?:that|those) of\b`),
	regexp.MustCompile(`\bbehind\b`),
	regexp.MustCompile(`\bin front of\b`),
	regexp.MustCompile(`\b(?:becomes?|became) of\b`),
	regexp.MustCompile(`\b(?:is|are) to (?:be|have|read|write|run|name|keep|get|go|say|tell|take|make|fill|stay)\b`),
	regexp.MustCompile(`(?m)(?:^|[.;:] )What (?:\w+ ){1,8}(?:is|are|was|has|gets)\b`),
	regexp.MustCompile(`\b(?:the|a) ways? (?:out|back|down|through|in)\b`),
}

var (
	standing  = regexp.MustCompile(`\b(?:stands?|stood)\b`)
	standsFor = regexp.MustCompile(`^ ?(?:by|alone|for)`)
	comesTo   = regexp.MustCompile(`\bcomes? to `)

	wordOf     = regexp.MustCompile(`[A-Za-z][A-Za-z'’-]*`)
	commentOf  = regexp.MustCompile(`(?m)(?:^|\s)// ?([^\n]*)`)
	textOf     = regexp.MustCompile(`"((?:[^"\\\n]|\\.)*)"`)
	funcOf     = regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?([A-Za-z_]\w*)[\[(]`)
	hump       = regexp.MustCompile(`[a-z0-9][A-Z]|_`)
	notProse   = regexp.MustCompile("(?s)```.*?```|<!--.*?-->")
	codeOrLink = regexp.MustCompile("(?m)^ {4}.*$|`[^`\n]*`|\\]\\([^)]*\\)")
	paragraph  = regexp.MustCompile(`\n\s*\n|\n(?:[-*|#] ?|\d+\. )`)
	sentence   = regexp.MustCompile(`[.!?]\s+`)
)

// countTurns counts the turns of phrase in a text.
func countTurns(text string) (n int) {
	for _, t := range turns {
		n += len(t.FindAllStringIndex(text, -1))
	}
	for _, match := range standing.FindAllStringIndex(text, -1) {
		if !standsFor.MatchString(text[match[1]:]) {
			n++
		}
	}
	for _, match := range comesTo.FindAllStringIndex(text, -1) {
		if rest := text[match[1]:]; !strings.HasPrefix(rest, "be") || len(wordOf.FindString(rest)) > 2 {
			n++
		}
	}
	return n
}

// rate counts turns per 1,000 words.
type rate struct{ turns, words int }

func (r *rate) add(text string) {
	r.turns += countTurns(text)
	r.words += len(wordOf.FindAllString(text, -1))
}

func (r *rate) value() float64 {
	return math.Ceil(100000*float64(r.turns)/float64(max(r.words, 1))) / 100
}

// countWords counts the project's words.
func countWords(t *testing.T) (c wordCounts) {
	t.Helper()
	var comments, texts, docs rate
	names := map[string]int{}
	for file, data := range written(t) {
		for line := range strings.Lines(string(data)) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 160 {
				c.LongLines++
			}
		}
		for _, m := range commentOf.FindAllSubmatch(data, -1) {
			comments.add(string(m[1]))
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range textOf.FindAllSubmatch(data, -1) {
			if strings.Count(string(m[1]), " ") >= 4 {
				texts.add(string(m[1]))
			}
		}
		for _, m := range funcOf.FindAllSubmatch(data, -1) {
			names[string(m[1])]++
		}
	}
	for _, file := range writtenPages(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := codeOrLink.ReplaceAllString(notProse.ReplaceAllString(string(data), " "), " ")
		docs.add(text)
		for _, p := range paragraph.Split(text, -1) {
			if strings.HasPrefix(strings.TrimSpace(p), "|") || strings.Contains(p, " | ") {
				continue
			}
			for _, s := range sentence.Split(strings.ReplaceAll(p, "\n", " "), -1) {
				if len(wordOf.FindAllString(s, -1)) > 40 {
					c.LongSentences++
				}
			}
		}
	}
	c.Comments, c.Texts, c.Docs = comments.value(), texts.value(), docs.value()
	c.OneWord, c.Shared = countNames(names)
	c.Particles = countParticles(t)
	return c
}

// countNames counts functions by the form of their names: those that Go or its library gives a name are left out.
func countNames(names map[string]int) (oneWord float64, shared int) {
	standard := []string{"main", "init", "String", "Error", "Len", "Less", "Swap", "Unwrap", "Close", "Read", "Write", "Run"}
	all, single := 0, 0
	for name, n := range names {
		all += n
		if slices.Contains(standard, name) {
			continue
		}
		if !hump.MatchString(name) {
			single += n
		}
		if n >= 10 {
			shared++
		}
	}
	return math.Ceil(1000*float64(single)/float64(all)) / 10, shared
}

// writtenPages lists the pages that people write. Those of rules, frameworks and locks are generated.
func writtenPages(t *testing.T) (pages []string) {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		switch {
		case strings.Contains(p, "testdata"), strings.HasPrefix(p, "docs/rules/"), strings.HasPrefix(p, "docs/frameworks/"),
			strings.HasPrefix(p, "docs/assistants/"), slices.Contains([]string{"CHANGELOG.md", "LICENSE.md", "locks.md"}, path.Base(p)):
		default:
			pages = append(pages, p)
		}
	}
	return pages
}

// TestWords holds how plain the words of comments, texts and docs are, and the names of functions.
func TestWords(t *testing.T) {
	t.Parallel()
	got := countWords(t)
	var limit wordCounts
	data, err := os.ReadFile(limitsFile)
	if err == nil {
		err = json.Unmarshal(data, &limit)
	}
	if err != nil {
		t.Fatal(err)
	}
	lowered := limit
	for _, c := range []struct {
		what     string
		got      float64
		limit    float64
		slack    float64
		setLower func()
	}{
		{"odd turns per 1,000 words of comments", got.Comments, limit.Comments, 0.2, func() { lowered.Comments = got.Comments }},
		{"odd turns per 1,000 words of texts", got.Texts, limit.Texts, 0.2, func() { lowered.Texts = got.Texts }},
		{"odd turns per 1,000 words of docs", got.Docs, limit.Docs, 0.2, func() { lowered.Docs = got.Docs }},
		{
			"sentences of more than 40 words in the docs", float64(got.LongSentences), float64(limit.LongSentences), 2,
			func() { lowered.LongSentences = got.LongSentences },
		},
		{"per cent of functions with a name of one word", got.OneWord, limit.OneWord, 0.5, func() { lowered.OneWord = got.OneWord }},
		{"names that ten functions share", float64(got.Shared), float64(limit.Shared), 2, func() { lowered.Shared = got.Shared }},
		{"per cent of variables with a particle as a name", got.Particles, limit.Particles, 0.1, func() { lowered.Particles = got.Particles }},
		{"lines of more than 160 columns", float64(got.LongLines), float64(limit.LongLines), 20, func() { lowered.LongLines = got.LongLines }},
	} {
		switch {
		case c.got > c.limit:
			t.Errorf("%v %s, more than %v: CONTRIBUTING.md says how names and sentences are written", c.got, c.what, c.limit)
		case c.got < c.limit:
			c.setLower()
			if c.got < c.limit-c.slack && os.Getenv("ONWARD_LIMITS") != "write" {
				t.Errorf("%v %s, and the limit is %v: ONWARD_LIMITS=write go test -run TestWords . lowers it", c.got, c.what, c.limit)
			}
		}
	}
	if os.Getenv("ONWARD_LIMITS") == "write" && lowered != limit {
		text, err := json.MarshalIndent(lowered, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(limitsFile, fmt.Appendf(text, "\n"), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
}
